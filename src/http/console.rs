//! The console: the page at `/` and its files, as `make web` built them from `web/`, served from the binary.

use axum::Router;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use include_dir::{Dir, include_dir};

use super::assets::{Assets, Keep};

static FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/web/dist");

/// Everything comes from this server alone, and no script or style stands in a page. Mails are shown in frames without
/// rights, whose pictures may be part of the mail only.
static CONSOLE: Assets = Assets {
    files: &FILES,
    packed: "",
    policy: "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
        connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
};

/// The first parts of the console's addresses. The page itself says what it does not know beneath them.
const SECTIONS: [&str; 13] = [
    "audit",
    "campaigns",
    "customers",
    "imports",
    "inbox",
    "lists",
    "messages",
    "notifications",
    "search",
    "settings",
    "sign-in",
    "templates",
    "today",
];

/// The console's page at all of its addresses, and its files.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let mut router = Router::new().route("/", get(page)).route("/assets/{file}", get(asset));
    for section in SECTIONS {
        router = router.route(&format!("/{section}"), get(page)).route(&format!("/{section}/{{*rest}}"), get(page));
    }
    router
}

async fn page(headers: HeaderMap) -> Response {
    CONSOLE.serve("index.html", Keep::Revalidated, &headers).await
}

async fn asset(Path(file): Path<String>, headers: HeaderMap) -> Response {
    let keep = if has_hash(&file) { Keep::Forever } else { Keep::Revalidated };
    CONSOLE.serve(&format!("assets/{file}"), keep, &headers).await
}

/// Whether a file is named as the build names those whose name changes with their content: `name-Dx3_k-9a.js`.
fn has_hash(file: &str) -> bool {
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem).as_bytes();
    let hash = stem.len().checked_sub(9).map(|start| &stem[start..]);
    hash.is_some_and(|hash| {
        hash[0] == b'-' && hash[1..].iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
    })
}

#[cfg(test)]
mod tests {
    use super::has_hash;

    #[test]
    fn a_file_is_kept_for_good_only_if_its_name_changes_with_it() {
        for kept in ["Button-C6mu3D54.css", "de-DJajxfDY.js", "CustomerPage-BYR_OsoP.css", "TodayPage-ouQ-Tsll.js"] {
            assert!(has_hash(kept), "{kept}");
        }
        for changing in ["theme.js", "index.html", "-.js", "a-short.js", "", "name-with space.js"] {
            assert!(!has_hash(changing), "{changing}");
        }
    }
}
