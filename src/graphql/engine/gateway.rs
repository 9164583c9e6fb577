//! Executes operations: admits the document, gives the schema a session, and makes the answer fit to be seen.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use async_graphql::{Data, Executor, Request, Response, ServerError, ValidationMode, Value};
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, stream};

use super::api::Api;
use super::document::{Admitted, Documents, admit_variables};
use super::failure::refused;
use super::keys::Keys;
use super::limits::Limits;
use super::metrics::{Metrics, OperationKind, OperationOutcome};
use super::principal::{Permission, Principal};
use super::reading::Session;
use crate::accounts::service::AccountService;
use crate::app::App;
use crate::graphql::{Schema, schema};
use crate::queries::Reads;

/// The API, ready to execute. Cheap to clone.
#[derive(Clone)]
pub struct Gateway {
    api: Api,
    documents: Documents,
    /// Checks every rule of the language.
    strict: Schema,
    /// For documents that [`Self::strict`] let pass before: the rules over the document hold, and are not checked
    /// again. Depth and complexity are.
    trusting: Schema,
}

impl Gateway {
    /// An API over use cases and read tables.
    #[must_use]
    pub fn new(app: App, reads: Reads, accounts: AccountService, limits: Limits, metrics: Metrics) -> Self {
        let keys = Keys::new(&limits);
        let limits = Arc::new(limits);
        let documents = Documents::new(Arc::clone(&limits));
        let api = Api { app, reads, accounts, limits, keys, metrics };
        let strict = schema(&api, ValidationMode::Strict);
        let trusting = schema(&api, ValidationMode::Fast);
        Self { api, documents, strict, trusting }
    }

    /// What resolvers work with.
    #[must_use]
    pub const fn api(&self) -> &Api {
        &self.api
    }

    /// Executes a query or mutation.
    pub async fn execute(&self, principal: Principal, mut request: Request) -> Response {
        let began = Instant::now();
        let admitted = match self.admit(&request) {
            Ok(admitted) => admitted,
            Err(error) => return self.count(OperationKind::unknown, began, Response::from_errors(vec![error])),
        };
        let kind = admitted.kind(request.operation_name.as_deref());
        if let Err(error) = without_nul(kind, &request) {
            return self.count(kind, began, Response::from_errors(vec![error]));
        }
        let trusted = admitted.is_valid() && kind == OperationKind::query && plain_variables(&request);
        request.set_parsed_query(admitted.document.clone());
        let request = request.data(Session::new(principal)).data(principal);
        let schema = if trusted { &self.trusting } else { &self.strict };
        let execution = AssertUnwindSafe(schema.execute(request)).catch_unwind();
        let response = match tokio::time::timeout(self.api.limits.request_time, execution).await {
            Ok(Ok(response)) => response,
            Ok(Err(_panic)) => Response::from_errors(vec![self.panicked()]),
            Err(_elapsed) => Response::from_errors(vec![self.timed_out()]),
        };
        if !trusted && !is_refused(&response) {
            admitted.set_valid();
        }
        self.count(kind, began, self.present(principal, response))
    }

    fn admit(&self, request: &Request) -> Result<Arc<Admitted>, ServerError> {
        admit_variables(&request.variables, &self.api.limits)?;
        self.documents.admit(&request.query)
    }

    /// Executes any operation as a stream of responses.
    fn follow(&self, principal: Principal, mut request: Request) -> BoxStream<'static, Response> {
        let admitted = match self.admit(&request) {
            Ok(admitted) => admitted,
            Err(error) => return stream::once(async { Response::from_errors(vec![error]) }).boxed(),
        };
        if admitted.kind(request.operation_name.as_deref()) != OperationKind::subscription {
            let gateway = self.clone();
            return stream::once(async move { gateway.execute(principal, request).await }).boxed();
        }
        request.set_parsed_query(admitted.document.clone());
        let request = request.data(Session::new(principal)).data(principal);
        let open = self.api.metrics.subscription();
        let gateway = self.clone();
        let answers = self.strict.execute_stream(request);
        answers
            .map(move |response| {
                // Counted as open until the stream is dropped.
                let _counted = &open;
                gateway.present(principal, response)
            })
            .boxed()
    }

    /// An executor for one WebSocket, whose key is known once its handshake is done.
    #[must_use]
    pub fn connection(&self, principal: Arc<std::sync::OnceLock<Principal>>) -> Connection {
        Connection { gateway: self.clone(), principal, running: Arc::default() }
    }

    fn present(&self, principal: Principal, mut response: Response) -> Response {
        let limits = &self.api.limits;
        for error in &mut response.errors {
            let refusal = match error.message.as_str() {
                "Query is too complex." => Some(refused(
                    "TOO_COMPLEX",
                    format!(
                        "the query could resolve more than {} fields if every page were full; ask for smaller or \
                         fewer nested pages",
                        limits.complexity
                    ),
                )),
                "Query is nested too deep." => {
                    Some(refused("DOCUMENT_TOO_DEEP", format!("the query nests deeper than {} fields", limits.depth)))
                }
                _ => None,
            };
            if let Some(refusal) = refusal {
                *error = refusal;
            }
            let code = if error.path.is_empty() { "INVALID_DOCUMENT" } else { "BAD_ARGUMENT" };
            let extensions = error.extensions.get_or_insert_with(Default::default);
            if extensions.get("code").is_none() {
                extensions.set("code", code);
            }
        }
        if principal.may(Permission::SeePersonal) {
            response
        } else {
            response.extension("personalData", Value::from("withheld"))
        }
    }

    fn count(&self, kind: OperationKind, began: Instant, response: Response) -> Response {
        let outcome = if response.errors.is_empty() { OperationOutcome::ok } else { OperationOutcome::errors };
        self.api.metrics.operation(kind, outcome, began.elapsed());
        response
    }

    /// The panic handler already printed the panic and its location.
    fn panicked(&self) -> ServerError {
        let id = self.api.ambient().uuid();
        tracing::error!(error_id = %id, "a resolver panicked");
        let mut error = refused("INTERNAL", "the server failed; its log has details under this id");
        if let Some(extensions) = &mut error.extensions {
            extensions.set("id", id.to_string());
        }
        error
    }

    fn timed_out(&self) -> ServerError {
        let seconds = self.api.limits.request_time.as_secs();
        refused("TIMED_OUT", format!("the request took longer than {seconds} s and was abandoned"))
    }
}

/// Whether the document itself was refused, rather than something in its execution.
fn is_refused(response: &Response) -> bool {
    response.errors.iter().any(|error| error.path.is_empty())
}

/// Refuses NUL in the texts of queries: no text of a read table has one, and PostgreSQL takes none as a parameter.
/// Commands may have them, the log keeps every text exactly.
fn without_nul(kind: OperationKind, request: &Request) -> Result<(), ServerError> {
    fn has_nul(value: &Value) -> bool {
        match value {
            Value::String(text) => text.contains('\0'),
            Value::List(values) => values.iter().any(has_nul),
            Value::Object(values) => values.values().any(has_nul),
            _ => false,
        }
    }
    let found =
        kind == OperationKind::query && (request.variables.values().any(has_nul) || request.query.contains("\\u0000"));
    if found { Err(refused("BAD_ARGUMENT", "texts in queries must not contain NUL")) } else { Ok(()) }
}

/// Whether variables hold scalars only: those are checked as they are read, while input objects are checked for unknown
/// fields by the rules alone.
fn plain_variables(request: &Request) -> bool {
    request.variables.values().all(|value| !matches!(value, Value::Object(_) | Value::List(_)))
}

/// Executes what one WebSocket asks for.
#[derive(Clone)]
pub struct Connection {
    gateway: Gateway,
    principal: Arc<std::sync::OnceLock<Principal>>,
    running: Arc<AtomicUsize>,
}

impl Executor for Connection {
    async fn execute(&self, request: Request) -> Response {
        match self.principal.get() {
            Some(&principal) => self.gateway.execute(principal, request).await,
            None => Response::from_errors(vec![refused("UNAUTHENTICATED", "an API key is needed")]),
        }
    }

    fn execute_stream(&self, request: Request, _: Option<Arc<Data>>) -> BoxStream<'static, Response> {
        let refusal = |code, message: String| {
            stream::once(async move { Response::from_errors(vec![refused(code, message)]) }).boxed()
        };
        let Some(&principal) = self.principal.get() else {
            return refusal("UNAUTHENTICATED", "an API key is needed".to_owned());
        };
        let running = Running::new(&self.running);
        let most = self.gateway.api.limits.subscriptions;
        if running.number > most {
            return refusal("TOO_MANY_SUBSCRIPTIONS", format!("this connection runs {most} operations already"));
        }
        self.gateway
            .follow(principal, request)
            .map(move |response| {
                let _counted = &running;
                response
            })
            .boxed()
    }
}

/// One running operation of a connection.
struct Running {
    all: Arc<AtomicUsize>,
    number: usize,
}

impl Running {
    fn new(all: &Arc<AtomicUsize>) -> Self {
        let number = all.fetch_add(1, Ordering::SeqCst) + 1;
        Self { all: Arc::clone(all), number }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.all.fetch_sub(1, Ordering::SeqCst);
    }
}
