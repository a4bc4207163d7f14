//! Files that come as `multipart/form-data`.

use std::io::SeekFrom;

use axum::{
    body::Bytes,
    extract::{FromRequest, Multipart, Request},
};
use http::StatusCode;
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _};

use super::json::unreadable;
use crate::problem::Problem;

/// One part of a form.
#[derive(Clone)]
pub struct Part {
    /// Name of the form's field.
    pub name: String,
    /// Name of the file, when it is one; never used as a path.
    pub file_name: Option<String>,
    pub data: Bytes,
}

/// All parts of a form, read completely. The route's body limit bounds what they take.
#[derive(Clone)]
pub struct Form(pub Vec<Part>);

/// Marker for documents: a form with one `file`.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "describes the form for the documents; the form is read part by part")]
pub struct Upload {
    #[schema(value_type = String, format = Binary)]
    pub file: Vec<u8>,
}

/// Parts that a form of ours can have at most.
const PARTS: usize = 8;

impl Form {
    /// The file in the field `file`, without a copy of it.
    ///
    /// # Errors
    /// 422 when there is none.
    pub fn into_file(self) -> Result<Part, Problem> {
        self.0.into_iter().find(|part| part.name == "file").ok_or_else(|| Problem::invalid("file", "Choose a file."))
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let mut form = Multipart::from_request(request, state).await.map_err(|_| {
            Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "This address takes a form with a file (multipart/form-data).",
            )
        })?;
        let mut parts = Vec::new();
        while let Some(field) = form.next_field().await.map_err(|error| unreadable(error.status()))? {
            if parts.len() == PARTS {
                return Err(Problem::malformed("too_many_parts", "The form has more parts than this address takes."));
            }
            let (name, file_name) =
                (field.name().unwrap_or_default().to_owned(), field.file_name().map(clean_file_name));
            let data = field.bytes().await.map_err(|error| unreadable(error.status()))?;
            parts.push(Part { name, file_name, data });
        }
        Ok(Self(parts))
    }
}

/// A file that was uploaded and lies on disk without a name: it is gone when it is dropped, or when the process ends.
pub struct SpooledFile {
    /// Name that the client gave; never used as a path.
    pub file_name: Option<String>,
    /// At its begin.
    pub file: std::fs::File,
}

/// Writes the `file` of a form to disk as it comes in, so that memory does not grow with it. Other fields are passed over.
///
/// # Errors
/// 422 when the form has no file, 413 when it is too large, 503 when the disk does not take it.
pub async fn spool(mut form: Multipart, directory: &std::path::Path) -> Result<SpooledFile, Problem> {
    let refused = |error: std::io::Error| {
        tracing::warn!(%error, "an uploaded file could not be written");
        Problem::unavailable()
    };
    while let Some(mut field) = form.next_field().await.map_err(|error| unreadable(error.status()))? {
        if field.name() != Some("file") {
            continue;
        }
        let file_name = field.file_name().map(clean_file_name);
        tokio::fs::create_dir_all(directory).await.map_err(refused)?;
        let mut file = tokio::fs::File::from_std(tempfile::tempfile_in(directory).map_err(refused)?);
        while let Some(bytes) = field.chunk().await.map_err(|error| unreadable(error.status()))? {
            file.write_all(&bytes).await.map_err(refused)?;
        }
        file.flush().await.map_err(refused)?;
        file.seek(SeekFrom::Start(0)).await.map_err(refused)?;
        return Ok(SpooledFile { file_name, file: file.into_std().await });
    }
    Err(Problem::invalid("file", "Choose a file."))
}

/// The last part of a path, without control characters and of bounded length.
fn clean_file_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    last.chars().filter(|letter| !letter.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_is_never_a_path() {
        assert_eq!(clean_file_name("../../etc/passwd"), "passwd");
        assert_eq!(clean_file_name("C:\\fotos\\a b.jpg"), "a b.jpg");
        assert_eq!(clean_file_name("a\r\nSet-Cookie: x.png"), "aSet-Cookie: x.png");
    }
}
