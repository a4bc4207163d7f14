//! A transaction on either engine, at the level of statements.

use std::fmt::Display;

use segue_model::{ChannelId, WorkspaceId, text_enum::Word, wake::Wake};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{
    StoreError,
    built::{Built, Dialect},
    event::NewEvent,
    postgres::{Lock, Work},
    row::{Row, Source},
    sql::Sql,
    sqlite::Statements,
    tally::Noted,
    value::{Bind, Param},
    volume::NotedVolume,
};

pub(crate) enum Connection<'a> {
    Sqlite(&'a dyn Statements),
    Postgres(Work<'a>),
}

/// One transaction. Repositories are `impl Tx<'_>` blocks in the files of their aggregates.
pub struct Tx<'a> {
    pub(crate) connection: Connection<'a>,
    pub(crate) events: Vec<(WorkspaceId, NewEvent)>,
    pub(crate) wakes: Vec<Wake>,
    pub(crate) tallies: Vec<Noted>,
    pub(crate) volumes: Vec<NotedVolume>,
    /// The channel of which this transaction has seen that no report waits for its message.
    pub(crate) nothing_parked: Option<ChannelId>,
    /// The channel of which this transaction has seen that no deletion came before its message.
    pub(crate) nothing_early: Option<ChannelId>,
    /// Whether rows of tables wait for a contact, as this transaction has seen it.
    pub(crate) rows_wait: Option<(WorkspaceId, bool)>,
    /// PostgreSQL asked to run the whole transaction again (serialization failure or deadlock).
    pub(crate) retry: bool,
}

impl<'a> Tx<'a> {
    pub(crate) const fn new(connection: Connection<'a>) -> Self {
        Self {
            connection,
            events: Vec::new(),
            wakes: Vec::new(),
            tallies: Vec::new(),
            volumes: Vec::new(),
            nothing_parked: None,
            nothing_early: None,
            rows_wait: None,
            retry: false,
        }
    }

    /// Runs a statement and tells how many rows it changed.
    ///
    /// # Errors
    /// When the engine refuses it.
    pub fn execute(&mut self, sql: &'static Sql, params: &[&dyn Bind]) -> Result<u64, StoreError> {
        match &mut self.connection {
            Connection::Sqlite(statements) => {
                let mut changed = 0;
                statements.with(sql, &mut |statement| {
                    let params = params.iter().map(|param| param.bind());
                    changed = statement.execute(rusqlite::params_from_iter(params))? as u64;
                    Ok(())
                })?;
                Ok(changed)
            }
            Connection::Postgres(work) => {
                let params: Vec<Param<'_>> = params.iter().map(|param| param.bind()).collect();
                work.execute(sql, &params).map_err(|error| failed(&mut self.retry, sql, error))
            }
        }
    }

    /// Runs a statement for each of `items`, on PostgreSQL in one exchange with the server, and tells how many rows each
    /// changed.
    ///
    /// # Errors
    /// When the engine refuses one of them.
    pub(crate) fn execute_each<'p, T, const N: usize>(
        &mut self,
        sql: &'static Sql,
        items: impl IntoIterator<Item = T>,
        params: impl Fn(T) -> [Param<'p>; N],
    ) -> Result<Vec<u64>, StoreError> {
        let mut changed = Vec::new();
        match &mut self.connection {
            Connection::Sqlite(statements) => {
                let mut items = items.into_iter();
                statements.with(sql, &mut |statement| {
                    for item in items.by_ref() {
                        changed.push(statement.execute(rusqlite::params_from_iter(params(item)))? as u64);
                    }
                    Ok(())
                })?;
            }
            Connection::Postgres(work) => {
                let rows = items.into_iter().map(|item| params(item).to_vec()).collect::<Vec<_>>();
                if !rows.is_empty() {
                    changed = work.execute_each(sql, &rows).map_err(|error| failed(&mut self.retry, sql, error))?;
                }
            }
        }
        Ok(changed)
    }

    /// The first row of a query for each of `items`, on PostgreSQL in one exchange with the server.
    ///
    /// # Errors
    /// When the engine refuses one of them or a row cannot be read.
    pub(crate) fn query_each<'p, T, R, const N: usize>(
        &mut self,
        sql: &'static Sql,
        items: impl IntoIterator<Item = T>,
        params: impl Fn(T) -> [Param<'p>; N],
        mut read: impl FnMut(&mut Row<'_>) -> Result<R, StoreError>,
    ) -> Result<Vec<Option<R>>, StoreError> {
        let mut found = Vec::new();
        match &mut self.connection {
            Connection::Sqlite(statements) => {
                let mut items = items.into_iter();
                statements.with(sql, &mut |statement| {
                    for item in items.by_ref() {
                        let mut rows = statement.query(rusqlite::params_from_iter(params(item)))?;
                        let row = rows.next()?.map(|row| read(&mut Row::new(Source::Sqlite(row)))).transpose();
                        found.push(row.map_err(|error| named(sql, error))?);
                    }
                    Ok(())
                })?;
            }
            Connection::Postgres(work) => {
                let rows = items.into_iter().map(|item| params(item).to_vec()).collect::<Vec<_>>();
                if rows.is_empty() {
                    return Ok(found);
                }
                let all = work.query_each(sql, &rows).map_err(|error| failed(&mut self.retry, sql, error))?;
                for rows in all {
                    let row = rows.first().map(|row| read(&mut Row::new(Source::Postgres(row)))).transpose();
                    found.push(row.map_err(|error| named(sql, error))?);
                }
            }
        }
        Ok(found)
    }

    /// All rows of a query.
    ///
    /// # Errors
    /// When the engine refuses it or a row cannot be read.
    pub fn query<T>(
        &mut self,
        sql: &'static Sql,
        params: &[&dyn Bind],
        mut read: impl FnMut(&mut Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut all = Vec::new();
        self.each(sql, params, |row| {
            all.push(read(row)?);
            Ok(())
        })?;
        Ok(all)
    }

    /// Calls `read` with each row of a query.
    ///
    /// # Errors
    /// When the engine refuses it, or the error of `read`.
    pub fn each(
        &mut self,
        sql: &'static Sql,
        params: &[&dyn Bind],
        mut read: impl FnMut(&mut Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        match &mut self.connection {
            Connection::Sqlite(statements) => statements.with(sql, &mut |statement| {
                let mut rows = statement.query(rusqlite::params_from_iter(params.iter().map(|param| param.bind())))?;
                while let Some(row) = rows.next()? {
                    read(&mut Row::new(Source::Sqlite(row))).map_err(|error| named(sql, error))?;
                }
                Ok(())
            })?,
            Connection::Postgres(work) => {
                let params: Vec<Param<'_>> = params.iter().map(|param| param.bind()).collect();
                let rows = work.query(sql, &params).map_err(|error| failed(&mut self.retry, sql, error))?;
                for row in rows {
                    read(&mut Row::new(Source::Postgres(&row))).map_err(|error| named(sql, error))?;
                }
            }
        }
        Ok(())
    }

    /// Calls `read` with each row of a query that was put together from fixed pieces.
    ///
    /// # Errors
    /// When the engine refuses it, or the error of `read`.
    pub(crate) fn each_built(
        &mut self,
        query: &Built,
        mut read: impl FnMut(&mut Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        match &mut self.connection {
            Connection::Sqlite(statements) => {
                let mut statement = statements.connection().prepare_cached(query.text())?;
                let mut rows = statement.query(rusqlite::params_from_iter(query.values()))?;
                while let Some(row) = rows.next()? {
                    read(&mut Row::new(Source::Sqlite(row)))?;
                }
            }
            Connection::Postgres(work) => {
                let params: Vec<Param<'_>> = query.values().collect();
                let rows = work.query_once(query.text(), &params).map_err(|error| {
                    self.retry |= wants_retry(&error);
                    StoreError::from(error)
                })?;
                for row in rows {
                    read(&mut Row::new(Source::Postgres(&row)))?;
                }
            }
        }
        Ok(())
    }

    /// Which engine this transaction is on.
    pub(crate) const fn dialect(&self) -> Dialect {
        match self.connection {
            Connection::Sqlite(_) => Dialect::Sqlite,
            Connection::Postgres(_) => Dialect::Postgres,
        }
    }

    /// The first row of a query, or nothing.
    ///
    /// # Errors
    /// When the engine refuses it or the row cannot be read.
    pub fn query_opt<T>(
        &mut self,
        sql: &'static Sql,
        params: &[&dyn Bind],
        mut read: impl FnMut(&mut Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut first = None;
        match &mut self.connection {
            Connection::Sqlite(statements) => statements.with(sql, &mut |statement| {
                let is_read = statement.readonly();
                let mut rows = statement.query(rusqlite::params_from_iter(params.iter().map(|param| param.bind())))?;
                let row = rows.next()?.map(|row| read(&mut Row::new(Source::Sqlite(row)))).transpose();
                first = row.map_err(|error| named(sql, error))?;
                // What changes something is done when it has no more rows.
                while !is_read && rows.next()?.is_some() {}
                Ok(())
            })?,
            Connection::Postgres(_) => first = self.query(sql, params, read)?.into_iter().next(),
        }
        Ok(first)
    }

    /// The one row that a query always has (`COUNT`, `RETURNING` after an upsert).
    ///
    /// # Errors
    /// When there is none.
    pub fn query_one<T>(
        &mut self,
        sql: &'static Sql,
        params: &[&dyn Bind],
        read: impl FnMut(&mut Row<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.query_opt(sql, params, read)?.ok_or_else(|| StoreError::Statement(format!("{} gave no row", sql.name)))
    }

    /// Makes every other transaction that locks the same thing wait until this one has ended. Take it before a check
    /// that a later change depends on. SQLite has one writer, so there it costs nothing.
    ///
    /// # Errors
    /// When the engine refuses it; a deadlock is retried by the store.
    pub fn lock(&mut self, scope: &'static str, key: &impl Display) -> Result<(), StoreError> {
        self.advisory_locks(Lock::Alone, scope, [key])
    }

    /// Like [`Tx::lock`] for several things one after the other, on PostgreSQL in one exchange with the server. Take them in
    /// an order of their own, so that two transactions that want the same ones never wait for each other. On SQLite the keys
    /// are not even made.
    ///
    /// # Errors
    /// When the engine refuses it; a deadlock is retried by the store.
    pub fn lock_each(
        &mut self,
        scope: &'static str,
        keys: impl IntoIterator<Item = impl Display>,
    ) -> Result<(), StoreError> {
        self.advisory_locks(Lock::Alone, scope, keys)
    }

    /// Like [`Tx::lock`], but waits only for those who took the lock alone: many may read what one may change.
    ///
    /// # Errors
    /// When the engine refuses it; a deadlock is retried by the store.
    pub fn lock_shared(&mut self, scope: &'static str, key: &impl Display) -> Result<(), StoreError> {
        self.advisory_locks(Lock::Shared, scope, [key])
    }

    fn advisory_locks(
        &mut self,
        lock: Lock,
        scope: &str,
        keys: impl IntoIterator<Item = impl Display>,
    ) -> Result<(), StoreError> {
        let Connection::Postgres(work) = &mut self.connection else { return Ok(()) };
        let numbers = keys.into_iter().map(|key| {
            let digest = Sha256::digest(format!("{scope}:{key}").as_bytes());
            i64::from_be_bytes(digest[..8].try_into().unwrap_or_default())
        });
        work.lock(lock, numbers).map_err(|error| {
            self.retry |= wants_retry(&error);
            StoreError::from(error)
        })
    }

    /// Appends an event to the workspace's log when the transaction commits, and wakes those who watch it.
    pub fn emit(&mut self, workspace_id: WorkspaceId, event: NewEvent) {
        self.events.push((workspace_id, event));
    }

    /// Wakes the workers concerned when the transaction has committed.
    pub fn wake(&mut self, wake: Wake) {
        if !self.wakes.contains(&wake) {
            self.wakes.push(wake);
        }
    }
}

/// JSON text of a value that always has one.
///
/// # Errors
/// [`StoreError::Statement`] when the value has no JSON form, which is a defect.
pub(crate) fn json_text(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Statement(error.to_string()))
}

/// The word of an optional enum, for binding.
pub(crate) fn optional_word<T: Word>(value: Option<T>) -> Option<&'static str> {
    value.map(Word::word)
}

fn named(sql: &Sql, error: StoreError) -> StoreError {
    match error {
        StoreError::Corrupt(what) => StoreError::Corrupt(format!("{}: {what}", sql.name)),
        other => other,
    }
}

/// `40001` serialization_failure and `40P01` deadlock_detected ask for the whole transaction again; so does a connection
/// that broke (class 08), or a server that is going down or coming up (`57P01` to `57P03`): nothing was committed.
fn wants_retry(error: &postgres::Error) -> bool {
    match error.code() {
        Some(code) => {
            matches!(code.code(), "40001" | "40P01" | "57P01" | "57P02" | "57P03") || code.code().starts_with("08")
        }
        None => {
            error.is_closed() || std::error::Error::source(error).is_some_and(|source| source.is::<std::io::Error>())
        }
    }
}

fn failed(retry: &mut bool, sql: &Sql, error: postgres::Error) -> StoreError {
    *retry |= wants_retry(&error);
    match StoreError::from(error) {
        StoreError::Statement(what) => StoreError::Statement(format!("{}: {what}", sql.name)),
        other => other,
    }
}
