//! Authentication: `Authorization: Bearer clk_…`, or the cookie of somebody who signed in with this browser.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;

use super::body::refusal;
use super::session;
use crate::app::Caller;
use crate::graphql::engine::acting::{ACTOR, ActingError, ActingUser};
use crate::graphql::engine::failure::chain;
use crate::graphql::{Gateway, Principal};

/// The holder of the request's API key, or the response that refuses the request.
pub async fn principal(gateway: &Gateway, headers: &HeaderMap) -> Result<Principal, Response> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    if let (false, Some(token)) = (headers.contains_key(header::AUTHORIZATION), session::token(headers)) {
        if !session::is_of_our_page(headers) {
            let message = "a cookie opens the API to pages of this server only; send an API key instead";
            return Err(refusal(StatusCode::FORBIDDEN, "CROSS_SITE", message));
        }
        return check(gateway, token).await;
    }
    let (Some(value), None) = (given.next(), given.next()) else {
        return Err(unauthenticated("send the API key as `Authorization: Bearer clk_…`"));
    };
    let token = value.to_str().ok().and_then(bearer);
    let Some(token) = token else {
        return Err(unauthenticated("the header Authorization must be `Bearer clk_…`"));
    };
    check(gateway, token).await
}

/// The token of a header's value; the scheme's name is not case-sensitive (RFC 9110, section 11.1).
pub fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The holder of a token. Unknown and revoked keys get the same response.
pub async fn check(gateway: &Gateway, token: &str) -> Result<Principal, Response> {
    let api = gateway.api();
    match api.keys.check(&api.reads, &api.app, token).await {
        Ok(Some(principal)) => Ok(principal),
        Ok(None) => Err(unauthenticated("this API key is unknown, was revoked or has expired")),
        Err(error) => {
            let id = api.ambient().uuid();
            tracing::error!(error_id = %id, error = chain(&error), "an API key could not be checked");
            let message = format!("the API key could not be checked; the server's diagnostics have details under {id}");
            Err(refusal(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", &message))
        }
    }
}

/// The user whom the key acts for, if the request names one.
pub fn acting(principal: Principal, headers: &HeaderMap) -> Result<Option<ActingUser>, Response> {
    let mut given = headers.get_all(ACTOR).iter();
    let Some(value) = given.next() else { return Ok(None) };
    let refused = |error: &ActingError| {
        let (status, code) = match error {
            ActingError::Refused => (StatusCode::FORBIDDEN, "ACTOR_REFUSED"),
            ActingError::Malformed(_) => (StatusCode::BAD_REQUEST, "ACTOR_MALFORMED"),
        };
        refusal(status, code, &error.to_string())
    };
    let text = std::str::from_utf8(value.as_bytes()).ok().filter(|_| given.next().is_none());
    let text = text.ok_or_else(|| refused(&ActingError::Malformed("must be there once, in UTF-8".to_owned())))?;
    ActingUser::read(principal, text).map(Some).map_err(|error| refused(&error))
}

/// On whose behalf a request's commands are given.
pub fn caller(principal: Principal, headers: &HeaderMap) -> Result<Caller, Response> {
    let user = acting(principal, headers)?;
    let actor = user.map_or_else(|| principal.actor(), |user| user.actor(principal));
    Ok(Caller::new(principal.tenant, actor))
}

fn unauthenticated(message: &str) -> Response {
    let mut response = refusal(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", message);
    let scheme = header::HeaderValue::from_static("Bearer realm=\"commlog\"");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
    response
}

#[cfg(test)]
mod tests {
    use super::bearer;

    #[test]
    fn a_token_is_found_whatever_the_case_of_the_scheme() {
        assert_eq!(bearer("Bearer clk_1"), Some("clk_1"));
        assert_eq!(bearer("bearer  clk_1 "), Some("clk_1"));
        assert_eq!(bearer("Basic clk_1"), None);
        assert_eq!(bearer("clk_1"), None);
    }
}
