//! Forms as routes post them: urlencoded, or multipart where the mail has files. All texts are UTF-8.

use std::convert::Infallible;

use bytes::Bytes;
use futures::FutureExt;
use multer::{Constraints, Multipart, SizeLimit};
use url::form_urlencoded;

use crate::providers::WebhookRequest;
use crate::providers::kit::texts;

/// Mailgun takes mails of 25 MB; base64 and the headers come on top.
const MAX_FORM: u64 = 40 * 1024 * 1024;
/// How many fields and files of a form are read: each header of the mail is a field.
const MAX_PARTS: usize = 1_000;

/// A file of a form.
pub(super) struct File {
    /// The field: `attachment-1` and so on.
    pub(super) field: String,
    pub(super) name: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) content: Bytes,
}

/// A form, taken apart.
#[derive(Default)]
pub(super) struct Form {
    /// In the order in which they came; names may be repeated.
    pub(super) fields: Vec<(String, String)>,
    pub(super) files: Vec<File>,
    /// It has more parts than are read.
    pub(super) is_cut: bool,
}

impl Form {
    /// Reads a request, with or without what its files hold; [`None`] if it is no form, or a damaged one.
    pub(super) fn read(request: &WebhookRequest, with_files: bool) -> Option<Self> {
        match request.media_type().as_str() {
            "application/x-www-form-urlencoded" => {
                let mut pairs = form_urlencoded::parse(&request.body).into_owned();
                let fields = pairs.by_ref().take(MAX_PARTS).collect();
                Some(Self { fields, files: vec![], is_cut: pairs.next().is_some() })
            }
            "multipart/form-data" => {
                let boundary = multer::parse_boundary(request.header("content-type")?).ok()?;
                // The whole body is there: reading it never waits.
                Self::multipart(request.body.clone(), boundary, with_files).now_or_never()?.ok()
            }
            _ => None,
        }
    }

    async fn multipart(body: Bytes, boundary: String, with_files: bool) -> Result<Self, multer::Error> {
        let limits = SizeLimit::new().whole_stream(MAX_FORM).per_field(MAX_FORM);
        let stream = futures::stream::once(async move { Ok::<_, Infallible>(body) });
        let mut parts = Multipart::with_constraints(stream, boundary, Constraints::new().size_limit(limits));
        let mut form = Self::default();
        for _ in 0..MAX_PARTS {
            let Some(part) = parts.next_field().await? else { return Ok(form) };
            let field = part.name().unwrap_or_default().to_owned();
            match part.file_name().map(str::to_owned) {
                None => form.fields.push((field, String::from_utf8_lossy(&part.bytes().await?).into_owned())),
                Some(name) if with_files => {
                    let name = texts::short(&name);
                    let content_type = part.content_type().map(ToString::to_string);
                    form.files.push(File { field, name, content_type, content: part.bytes().await? });
                }
                Some(_) => {}
            }
        }
        form.is_cut = true;
        Ok(form)
    }

    /// The first field of a name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// The last field of a name: each header of the mail is a field too, and its author may call one as he likes.
    pub(super) fn last(&self, name: &str) -> Option<&str> {
        self.fields.iter().rfind(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// As [`Self::get`]; a blank one is absent.
    pub(super) fn short(&self, name: &str) -> Option<String> {
        texts::short(self.get(name)?)
    }
}
