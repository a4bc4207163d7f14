//! Files that come as `multipart/form-data`.

use axum::{
    body::Bytes,
    extract::{FromRequest, Multipart, Request},
};
use http::StatusCode;

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
    /// The file in the field `file`.
    ///
    /// # Errors
    /// 422 when there is none.
    pub fn file(&self) -> Result<&Part, Problem> {
        self.0.iter().find(|part| part.name == "file").ok_or_else(|| Problem::invalid("file", "Choose a file."))
    }

    /// The text of a field, when the form has it.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Bytes> {
        self.0.iter().find(|part| part.name == name).map(|part| &part.data)
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
