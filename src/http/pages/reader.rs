//! Who reads a page: which language they ask for.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::look::Look;
use crate::app::{App, AppError};
use crate::domain::tenant::brand::Language;
use crate::ids::TenantId;

/// The field of a form, and of a page's query, that names a language.
pub const LANGUAGE: &str = "language";

/// The languages that a request asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reader {
    /// The one that the reader chose on a page.
    chosen: Option<Language>,
    /// The one that the browser prefers.
    preferred: Option<Language>,
}

impl Reader {
    /// As the form says which the reader saw, its language is that of the form.
    #[must_use]
    pub fn of_form(self, form: &[u8]) -> Self {
        Self { chosen: chosen(form).or(self.chosen), ..self }
    }

    /// How a page of a tenant looks: in the language that the reader chose, else the customer's own, else the browser's, else
    /// the tenant's.
    pub async fn look(self, app: &App, tenant: TenantId, locale: Option<&str>) -> Result<Look, AppError> {
        let appearance = app.appearance(tenant).await?;
        let own = locale.and_then(Language::of_tag);
        let language = self.chosen.or(own).or(self.preferred).unwrap_or(appearance.brand.language);
        Ok(Look::of(appearance, language))
    }

    /// How a page looks that reports a failure: plain, if that is all that can be found out.
    pub async fn look_if_known(self, app: &App, tenant: TenantId) -> Look {
        self.look(app, tenant, None).await.unwrap_or_else(|_| self.plain())
    }

    /// How a page looks that is no tenant's.
    pub fn plain(self) -> Look {
        Look::plain(self.chosen.or(self.preferred).unwrap_or(Language::English))
    }
}

impl<S: Sync> FromRequestParts<S> for Reader {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self { chosen: chosen(query.as_bytes()), preferred: preferred(&parts.headers) })
    }
}

fn chosen(form: &[u8]) -> Option<Language> {
    let mut fields = url::form_urlencoded::parse(form);
    fields.find(|(name, _)| name == LANGUAGE).and_then(|(_, tag)| Language::of_tag(&tag))
}

/// The language of ours that a browser likes most (RFC 9110, 12.5.4); of equals, the first.
fn preferred(headers: &HeaderMap) -> Option<Language> {
    let mut best = None;
    let lists = headers.get_all(header::ACCEPT_LANGUAGE).iter().filter_map(|value| value.to_str().ok());
    for range in lists.flat_map(|list| list.split(',')) {
        let (tag, weight) = range.split_once(';').unwrap_or((range, "q=1"));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.trim().parse::<f32>().ok());
        let (Some(language), Some(weight)) = (Language::of_tag(tag.trim()), weight) else { continue };
        if weight > best.map_or(0.0, |(_, best)| best) {
            best = Some((language, weight));
        }
    }
    best.map(|(language, _)| language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browsers_favourite_of_our_languages_counts() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, value.parse().expect("a value"));
            preferred(&headers)
        };
        let (english, german) = (Some(Language::English), Some(Language::German));
        for (value, language) in [
            ("de", german),
            ("de-AT,de;q=0.9,en;q=0.8", german),
            ("fr-FR, en;q=0.5, de;q=0.7", german),
            ("en, de", english),
            ("de;q=0, en;q=0.1", english),
            ("fr, *;q=0.5", None),
            ("de;q=NaN", None),
            ("de;q=high,;;,=", None),
            ("", None),
        ] {
            assert_eq!(of(value), language, "{value}");
        }
    }

    #[test]
    fn a_form_says_which_language_was_shown() {
        let reader = Reader { chosen: None, preferred: Some(Language::English) };
        assert_eq!(reader.of_form(b"wanted=a&language=de").chosen, Some(Language::German));
        assert_eq!(reader.of_form(b"List-Unsubscribe=One-Click"), reader);
        let chosen = Reader { chosen: Some(Language::German), ..reader };
        assert_eq!(chosen.of_form(b"language=klingon"), chosen);
    }
}
