//! Who asks, and the guards that ask it.

use async_graphql::{Context, Error, Guard, Result};

use super::failure::field_refused;
use super::principal::{Permission, Principal};

/// Refuses a field to keys without a permission.
#[derive(Debug, Clone, Copy)]
pub struct May(pub Permission);

impl Guard for May {
    async fn check(&self, ctx: &Context<'_>) -> Result<()> {
        require(ctx, self.0)
    }
}

/// The holder of the API key that the request came with. The endpoints refuse requests without one before they get
/// here.
pub fn principal(ctx: &Context<'_>) -> Result<Principal> {
    ctx.data_opt::<Principal>().copied().ok_or_else(|| field_refused("UNAUTHENTICATED", "an API key is needed"))
}

/// Refuses without a permission.
pub fn require(ctx: &Context<'_>, permission: Permission) -> Result<()> {
    let principal = principal(ctx)?;
    if principal.may(permission) { Ok(()) } else { Err(forbidden(principal, permission)) }
}

fn forbidden(principal: Principal, permission: Permission) -> Error {
    let (role, what) = (principal.role, permission.what());
    let code = if permission == Permission::SeePersonal { "PERSONAL_DATA_REFUSED" } else { "FORBIDDEN" };
    field_refused(code, format!("this API key (role {role}) may not {what}"))
}
