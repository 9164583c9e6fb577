//! How a page looks: whose it is, and in which language.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::html::escape;
use super::palette::style;
use super::texts::{self, Texts};
use crate::domain::tenant::brand::{Appearance, Brand, Language};

/// How a page looks.
pub struct Look {
    /// Absent: the page is no tenant's.
    appearance: Option<Appearance>,
    /// The page's language.
    pub language: Language,
}

impl Look {
    /// As a tenant's page.
    pub const fn of(appearance: Appearance, language: Language) -> Self {
        Self { appearance: Some(appearance), language }
    }

    /// As nobody's page.
    pub const fn plain(language: Language) -> Self {
        Self { appearance: None, language }
    }

    /// What the page says.
    pub const fn texts(&self) -> &'static Texts {
        texts::texts(self.language)
    }

    /// The tenant's name, as its customers know it.
    pub fn name(&self) -> &str {
        self.appearance.as_ref().map_or("", |appearance| &appearance.name)
    }

    /// What a topic is called.
    pub fn topic<'a>(&'a self, topic: &'a str) -> &'a str {
        self.appearance.as_ref().map_or(topic, |appearance| appearance.brand.topic_name(topic, self.language))
    }

    /// A page that asks something, with links to the same in other languages; `main` is HTML.
    pub fn question(&self, title: &str, main: &str) -> Response {
        self.page(StatusCode::OK, title, main, true)
    }

    /// A page that says what has become of something.
    pub fn notice(&self, status: StatusCode, title: &str, text: &str) -> Response {
        self.page(status, title, &format!("<p role=\"status\">{}</p>", escape(text)), false)
    }

    /// The page for links that we did not make.
    pub fn bad_link(&self) -> Response {
        let texts = self.texts();
        self.notice(StatusCode::NOT_FOUND, texts.bad_link_title, texts.bad_link)
    }

    /// The page for links that are no longer valid.
    pub fn expired_link(&self) -> Response {
        let texts = self.texts();
        self.notice(StatusCode::GONE, texts.expired_title, texts.expired)
    }

    /// The page for links to what was forgotten with a person.
    pub fn gone(&self) -> Response {
        let texts = self.texts();
        self.notice(StatusCode::GONE, texts.gone_title, texts.gone)
    }

    /// The page for what failed; `text` names the failure's id, which the server's log has.
    pub fn failed(&self, text: &str, id: Uuid) -> Response {
        let text = texts::plain(text, &[("id", &id.to_string())]);
        self.notice(StatusCode::SERVICE_UNAVAILABLE, self.texts().failed_title, &text)
    }

    fn page(&self, status: StatusCode, title: &str, main: &str, has_languages: bool) -> Response {
        let neutral = Brand::default();
        let brand = self.appearance.as_ref().map_or(&neutral, |appearance| &appearance.brand);
        let (language, style) = (self.language.word(), style(brand));
        let name = escape(self.name());
        let title = escape(title);
        let head = if name.is_empty() { title.clone() } else { format!("{title} – {name}") };
        let (header, footer) = (self.header(brand), self.footer(brand, has_languages));
        let html = format!(
            "<!doctype html>\n<html lang=\"{language}\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta name=\"robots\" content=\"noindex\"><title>{head}</title><style>{style}</style></head>\n\
             <body>{header}<main><div class=\"card\"><h1>{title}</h1>\n{main}\n</div></main>{footer}</body></html>\n"
        );
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
            (header::CONTENT_SECURITY_POLICY, policy(&style)),
            (header::CONTENT_LANGUAGE, HeaderValue::from_static(language)),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            // The page's URL contains a token: it must not leak through referrers or caches.
            (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        (status, headers, html).into_response()
    }

    /// The tenant's logo, or its name.
    fn header(&self, brand: &Brand) -> String {
        if self.appearance.is_none() {
            return String::new();
        }
        let class = if brand.banner.is_some() { " class=\"banner\"" } else { "" };
        let name = escape(self.name());
        let shown = match &brand.logo {
            Some(logo) => {
                let (width, height, source) = (logo.width, logo.height, escape(&logo.data_url()));
                format!("<img src=\"{source}\" alt=\"{name}\" width=\"{width}\" height=\"{height}\">")
            }
            None => format!("<bdi>{name}</bdi>"),
        };
        format!("<header{class}>{shown}</header>")
    }

    fn footer(&self, brand: &Brand, has_languages: bool) -> String {
        let imprint = brand.imprint.as_deref().map(|imprint| format!("<p dir=\"auto\">{}</p>", escape(imprint)));
        let privacy = brand
            .privacy_url
            .as_deref()
            .map(|url| format!("<a href=\"{}\" rel=\"noreferrer\">{}</a>", escape(url), escape(self.texts().privacy)));
        let others = Language::ALL.iter().filter(|other| has_languages && **other != self.language).map(|other| {
            let (tag, name) = (other.word(), other.own_name());
            format!("<a href=\"?language={tag}\" lang=\"{tag}\" hreflang=\"{tag}\">{name}</a>")
        });
        let links: String = privacy.into_iter().chain(others).collect();
        let nav = if links.is_empty() { links } else { format!("<nav>{links}</nav>") };
        match imprint.unwrap_or_default() + &nav {
            empty if empty.is_empty() => empty,
            footer => format!("<footer>{footer}</footer>"),
        }
    }
}

/// Allows the page its own style, the pictures that stand in it, and forms to this server; nothing else, and no script.
fn policy(style: &str) -> HeaderValue {
    let hash = STANDARD.encode(Sha256::digest(style));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'; form-action 'self'"))
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;
    use crate::domain::tenant::brand::Logo;
    use crate::domain::value::picture::PictureType;

    async fn shown(response: Response) -> (String, String) {
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().expect("text").to_owned();
        let body = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
        (policy, String::from_utf8(body.to_vec()).expect("text"))
    }

    fn look(name: &str, brand: Brand) -> Look {
        Look::of(Appearance { name: name.to_owned(), brand }, Language::German)
    }

    #[tokio::test]
    async fn the_policy_allows_the_style_of_the_page_and_no_other() {
        let (policy, html) = shown(look("Vineyard", Brand::default()).bad_link()).await;
        let style = html.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>")).expect("a style").0;
        let hash = STANDARD.encode(Sha256::digest(style));
        assert!(policy.contains(&format!("style-src 'sha256-{hash}';")), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("script") && !policy.contains("http"), "{policy}");
        assert!(html.contains("<html lang=\"de\">") && html.contains("<header><bdi>Vineyard</bdi></header>"), "{html}");
        assert!(!html.contains("<footer"), "nothing to say, nothing to show: {html}");
    }

    #[tokio::test]
    async fn a_brand_is_shown_and_its_texts_are_texts() {
        let logo = Logo { media_type: PictureType::Png, width: 320, height: 80, content: "iVBORw0KGgo=".to_owned() };
        let brand = Brand {
            logo: Some(logo),
            banner: "#123456".parse().ok(),
            imprint: Some("Vineyard <Ltd>\n1 Hill".to_owned()),
            privacy_url: Some("https://v.example/?a=1&b=\"".to_owned()),
            ..Brand::default()
        };
        let (_, html) = shown(look("\"><script>alert(1)</script>", brand).question("Frage", "<p>?</p>")).await;
        assert!(html.contains("<header class=\"banner\"><img src=\"data:image/png;base64,iVBORw0KGgo=\" alt=\"&quot;"));
        assert!(html.contains("width=\"320\" height=\"80\">") && !html.contains("<script"), "{html}");
        assert!(html.contains("<p dir=\"auto\">Vineyard &lt;Ltd&gt;\n1 Hill</p>"), "{html}");
        assert!(html.contains("href=\"https://v.example/?a=1&amp;b=&quot;\""), "{html}");
        assert!(html.contains("<a href=\"?language=en\" lang=\"en\" hreflang=\"en\">English</a>"), "{html}");
        assert!(html.contains("--banner:#123456"), "{html}");
    }

    #[tokio::test]
    async fn a_page_of_nobody_names_nobody() {
        let (_, html) = shown(Look::plain(Language::English).gone()).await;
        assert!(
            html.contains("<title>This link does not work any more</title>") && !html.contains("<header"),
            "{html}"
        );
    }
}
