//! Executes operations: admits the document, gives the schema a session, and makes the answer fit to be seen.

use std::any::TypeId;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use async_graphql::{Pos, Request, Response, ServerError, Value};
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, stream};

use super::acting::ActingUser;
use super::api::{Api, Work};
use super::document::{Admitted, Documents, admit_variables, longest_list};
use super::failure::{opaque, refused};
use super::keys::Keys;
use super::limits::Limits;
use super::metrics::{Metrics, OperationKind, OperationOutcome};
use super::principal::{Permission, Principal};
use super::reading::Session;
use crate::accounts::service::AccountService;
use crate::accounts::validation::ValidationService;
use crate::app::{App, Caller, Outcome};
use crate::domain::customer::token::CustomerToken;
use crate::domain::tenant::decide::NameUser;
use crate::graphql::{Schema, in_app, schema};
use crate::queries::{Reads, Share, Shares};

/// The API, ready to execute. Cheap to clone.
#[derive(Clone)]
pub struct Gateway {
    api: Api,
    documents: Documents,
    /// The connections for queries that each tenant and key may use at once.
    shares: Shares,
    /// Checks depth and complexity only: documents were checked when they were admitted.
    schema: Schema,
    /// What customers' own pages ask.
    in_app: in_app::Schema,
}

impl Gateway {
    /// An API over use cases and read tables.
    #[must_use]
    pub fn new(
        app: App,
        reads: Reads,
        accounts: AccountService,
        validations: ValidationService,
        work: Work,
        limits: Limits,
        metrics: Metrics,
    ) -> Self {
        let (keys, shares) = (Keys::new(&limits), Shares::new(reads.db().connections()));
        let limits = Arc::new(limits);
        let documents = Documents::new(Arc::clone(&limits));
        let Work { imports, exports, verifications } = work;
        let api = Api { app, reads, accounts, validations, imports, exports, verifications, limits, keys, metrics };
        let (schema, in_app) = (schema(&api), in_app::schema(&api));
        Self { api, documents, shares, schema, in_app }
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
            Err(errors) => return self.count(OperationKind::unknown, began, Response::from_errors(errors)),
        };
        let kind = admitted.kind(request.operation_name.as_deref());
        if let Err(error) = without_nul(kind, &request).and_then(|()| self.short_lists(&admitted, kind, &request)) {
            return self.count(kind, began, Response::from_errors(vec![error]));
        }
        match admitted.prepare(&request) {
            Ok(document) => request.set_parsed_query(document),
            Err(errors) => return self.count(kind, began, Response::from_errors(errors)),
        }
        if kind == OperationKind::mutation
            && let Some(user) = request.data.get(&TypeId::of::<ActingUser>()).and_then(|user| user.downcast_ref())
            && let Err(error) = self.name_user(principal, user).await
        {
            return self.count(kind, began, Response::from_errors(vec![error]));
        }
        let completing = admitted.completing(&request);
        let request = request.data(Session::new(principal)).data(principal);
        let execution = self.share(principal).run(self.schema.execute(request));
        let execution = AssertUnwindSafe(execution).catch_unwind();
        let response = match tokio::time::timeout(self.api.limits.request_time, execution).await {
            Ok(Ok(mut response)) => {
                completing.complete(&mut response);
                response
            }
            Ok(Err(_panic)) => Response::from_errors(vec![self.panicked()]),
            Err(_elapsed) => Response::from_errors(vec![self.timed_out()]),
        };
        self.count(kind, began, self.present(principal, response))
    }

    /// Keeps the name of the user whom a key acts for, where it is new.
    async fn name_user(&self, principal: Principal, user: &ActingUser) -> Result<(), ServerError> {
        let Some(name) = &user.name else { return Ok(()) };
        let command = NameUser { user_id: user.id.to_string(), name: name.to_string() };
        let caller = Caller::new(principal.tenant, user.actor(principal));
        match self.api.app.name_user(&caller, command).await {
            Ok(Outcome::Done(_)) => Ok(()),
            Ok(Outcome::Refused(refusal)) => {
                Err(refused("BAD_ARGUMENT", format!("Commlog-Actor: {}", refusal.message)))
            }
            Err(error) => Err(opaque(self.api.ambient(), &error).into_server_error(Pos::default())),
        }
    }

    fn share(&self, principal: Principal) -> Share {
        self.shares.of(principal.tenant.0, principal.key.0)
    }

    fn admit(&self, request: &Request) -> Result<Arc<Admitted>, Vec<ServerError>> {
        admit_variables(&request.variables, &self.api.limits).map_err(|error| vec![error])?;
        self.documents.admit(&request.query)
    }

    /// Executes any operation as a stream of responses.
    pub fn follow(&self, principal: Principal, mut request: Request) -> BoxStream<'static, Response> {
        let admitted = match self.admit(&request) {
            Ok(admitted) => admitted,
            Err(errors) => return stream::once(async { Response::from_errors(errors) }).boxed(),
        };
        if admitted.kind(request.operation_name.as_deref()) != OperationKind::subscription {
            let gateway = self.clone();
            return stream::once(async move { gateway.execute(principal, request).await }).boxed();
        }
        if let Err(error) = self.short_lists(&admitted, OperationKind::subscription, &request) {
            return stream::once(async { Response::from_errors(vec![error]) }).boxed();
        }
        match admitted.prepare(&request) {
            Ok(document) => request.set_parsed_query(document),
            Err(errors) => return stream::once(async { Response::from_errors(errors) }).boxed(),
        }
        let completing = admitted.completing(&request);
        let request = request.data(Session::new(principal)).data(principal);
        let open = self.api.metrics.subscription();
        let gateway = self.clone();
        let (mut answers, share) = (self.schema.execute_stream(request).boxed(), self.share(principal));
        stream::poll_fn(move |context| share.step(|| answers.poll_next_unpin(context)))
            .map(move |mut response| {
                // Counted as open until the stream is dropped.
                let _counted = &open;
                completing.complete(&mut response);
                gateway.present(principal, response)
            })
            .boxed()
    }

    /// Executes what a customer's page asks: a stream of one response for a query or mutation, and of as many as there are for a
    /// subscription.
    pub fn follow_customer(&self, holder: CustomerToken, request: Request) -> BoxStream<'static, Response> {
        // What one customer asks takes no more of the tenant's connections than what one API key does.
        let share = self.shares.of(holder.tenant.0, holder.customer_id.0);
        let mut responses = self.in_app.execute_stream(request.data(holder)).boxed();
        let open = self.api.metrics.subscription();
        stream::poll_fn(move |context| share.step(|| responses.poll_next_unpin(context)))
            .map(move |response| {
                // Counted as open until the stream is dropped.
                let _counted = &open;
                response
            })
            .boxed()
    }

    /// Refuses lists that would become more parameters of a statement than an engine takes. Commands bring no such lists
    /// into a statement; what they may hold, the domain decides.
    fn short_lists(&self, admitted: &Admitted, kind: OperationKind, request: &Request) -> Result<(), ServerError> {
        let most = self.api.limits.list;
        if kind == OperationKind::mutation {
            return Ok(());
        }
        let variable = request.variables.iter().find(|(_, value)| longest_list(value) > most);
        let place = match variable {
            Some((name, _)) => format!("the variable ${name}"),
            None if admitted.longest_list > most => "an argument in the document".to_owned(),
            None => return Ok(()),
        };
        Err(refused("LIST_TOO_LONG", format!("{place} holds a list of more than {most} entries, the most of a query")))
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

    /// The kind of a request's operation, before anything is executed; [`OperationKind::unknown`] for what is refused.
    pub fn kind(&self, request: &Request) -> OperationKind {
        let admitted = self.documents.admit(&request.query);
        admitted.map_or(OperationKind::unknown, |admitted| admitted.kind(request.operation_name.as_deref()))
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
        let mut error = refused("INTERNAL", "the server failed; its diagnostics have details under this id");
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

/// Whether a request was refused before anything was executed. The answer then has no `data`.
#[must_use]
pub fn is_refused(response: &Response) -> bool {
    response.data == Value::Null && response.errors.iter().any(|error| error.path.is_empty())
}

/// An answer in JSON.
pub fn to_json(response: &Response) -> serde_json::Result<Vec<u8>> {
    #[derive(serde::Serialize)]
    struct Refused<'a> {
        errors: &'a [ServerError],
        #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
        extensions: &'a std::collections::BTreeMap<String, Value>,
    }
    if is_refused(response) {
        serde_json::to_vec(&Refused { errors: &response.errors, extensions: &response.extensions })
    } else {
        serde_json::to_vec(response)
    }
}
