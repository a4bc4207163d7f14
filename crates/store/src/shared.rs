//! Settings that are read much more often than they change.
//!
//! Nearly every transaction reads its workspace, and the settings in it are JSON of several kilobytes: taking them apart
//! cost a tenth of a transaction that does little else. So each thread keeps what it last took apart beside its text, and a
//! text that is still the same gives the same value. The text itself is read from the store each time; nothing is ever
//! older than its transaction.

use std::{
    any::Any,
    cell::RefCell,
    ops::{Deref, DerefMut},
    sync::Arc,
};

use serde::{Serialize, Serializer, de::DeserializeOwned};

use crate::StoreError;

/// Most values that a thread keeps; the one that was least lately used makes room.
const MOST: usize = 64;

/// A text and what it says.
type Known = (Box<str>, Arc<dyn Any + Send + Sync>);

thread_local! {
    /// The one used last stands first.
    static KNOWN: RefCell<Vec<Known>> = const { RefCell::new(Vec::new()) };
}

/// A value that many may hold; whoever changes it changes their own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shared<T>(Arc<T>);

impl<T> Shared<T> {
    pub fn new(value: T) -> Self {
        Self(Arc::new(value))
    }
}

impl<T: Clone> Shared<T> {
    /// The value, which is copied when others hold it too.
    pub fn into_inner(self) -> T {
        Arc::unwrap_or_clone(self.0)
    }
}

impl<T> From<T> for Shared<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> DerefMut for Shared<T> {
    fn deref_mut(&mut self) -> &mut T {
        Arc::make_mut(&mut self.0)
    }
}

impl<T: Serialize> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// What a JSON text says; the same as before when this thread has read the same text before.
///
/// # Errors
/// [`StoreError::Corrupt`] when it is not such JSON.
pub(crate) fn read<T: DeserializeOwned + Send + Sync + 'static>(text: &str) -> Result<Shared<T>, StoreError> {
    KNOWN.with_borrow_mut(|known| {
        let found = known.iter().position(|(known, value)| **known == *text && value.is::<T>());
        if let Some(place) = found {
            known[..=place].rotate_right(1);
        } else {
            let value: T = serde_json::from_str(text).map_err(|error| StoreError::Corrupt(error.to_string()))?;
            known.truncate(MOST - 1);
            known.insert(0, (text.into(), Arc::new(value)));
        }
        let value = Arc::clone(&known[0].1);
        value.downcast().map(Shared).map_err(|_| StoreError::Corrupt("settings of another kind".to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_gives_the_same_value_and_another_text_another_one() {
        let first: Shared<Vec<u32>> = read("[1,2]").unwrap();
        let again: Shared<Vec<u32>> = read("[1,2]").unwrap();
        assert!(Arc::ptr_eq(&first.0, &again.0), "taken apart once");
        let other: Shared<Vec<u32>> = read("[1,3]").unwrap();
        assert_eq!(*other, [1, 3]);
        // The same text can stand for values of two kinds.
        let wide: Shared<Vec<u64>> = read("[1,2]").unwrap();
        assert_eq!(*wide, [1, 2]);
        assert!(read::<Vec<u32>>("[1").is_err());
    }

    #[test]
    fn whoever_changes_a_value_changes_their_own() {
        let mut mine: Shared<Vec<u32>> = read("[7]").unwrap();
        mine.push(8);
        assert_eq!(*mine, [7, 8]);
        assert_eq!(*read::<Vec<u32>>("[7]").unwrap(), [7]);
    }

    #[test]
    fn a_thread_keeps_what_it_used_last() {
        let text = |number: usize| format!("[{number}]");
        let kept: Shared<Vec<usize>> = read(&text(0)).unwrap();
        for number in 1..=MOST {
            let _: Shared<Vec<usize>> = read(&text(number)).unwrap();
            let again: Shared<Vec<usize>> = read(&text(0)).unwrap();
            assert!(Arc::ptr_eq(&kept.0, &again.0), "{number}");
        }
        assert!(KNOWN.with_borrow(Vec::len) <= MOST);
    }
}
