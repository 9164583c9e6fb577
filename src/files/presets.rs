//! The usual systems' exports: known by their header, or named with `--from`.
//!
//! Most of their columns have names that [`fields`](super::fields) and [`consent`](super::consent) know. A preset says
//! the rest: columns whose name means something else in this system.

use chrono_tz::Tz;

use crate::domain::import::event::ImportKind;
use crate::domain::value::Channel;
use crate::files::fields::plain;

/// A system's export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// What `--from` takes.
    pub name: &'static str,
    /// The system's own name and the export's.
    pub title: &'static str,
    /// What the file holds.
    pub kind: ImportKind,
    /// Columns that together occur in no other export, as [`plain`] writes them; empty: it cannot be known by its header.
    signature: &'static [&'static str],
    /// Columns and their fields, as `--map` takes them.
    pub columns: &'static [(&'static str, &'static str)],
    /// The currency of all prices.
    pub currency: Option<&'static str>,
    /// The zone of times that name none, whatever `--time-zone` says: the export's times are always in it.
    pub zone: Option<Tz>,
    /// The channel of messages.
    pub channel: Option<Channel>,
}

const fn preset(
    name: &'static str,
    title: &'static str,
    kind: ImportKind,
    signature: &'static [&'static str],
) -> Preset {
    Preset { name, title, kind, signature, columns: &[], currency: None, zone: None, channel: None }
}

const CUSTOMERS: ImportKind = ImportKind::Customers;
const ORDERS: ImportKind = ImportKind::Orders;
const MESSAGES: ImportKind = ImportKind::Messages;

/// Every preset.
pub const ALL: &[Preset] = &[
    Preset {
        columns: &[
            ("externalid", "customer"),
            ("addresses", "addresses"),
            ("consents", "consents"),
            ("mergedinto", "merged_into"),
            ("anonymous", "anonymous"),
            ("forgottenat", "forgotten"),
            ("tenantid", "-"),
            ("customerid", "-"),
            ("source", "-"),
            ("importid", "-"),
            ("registeredat", "-"),
            ("changedat", "-"),
            ("version", "-"),
        ],
        zone: Some(Tz::UTC),
        ..preset(
            "commlog",
            "commlog customers",
            CUSTOMERS,
            &["customerid", "externalid", "registeredat", "mergedinto", "addresses", "consents"],
        )
    },
    preset("shopify", "Shopify customers", CUSTOMERS, &["firstname", "lastname", "email", "acceptsemailmarketing"]),
    preset("shopify", "Shopify customers", CUSTOMERS, &["firstname", "lastname", "email", "acceptsmarketing"]),
    Preset {
        columns: &[
            ("confirmtime", "consent_at"),
            ("optintime", "-"),
            ("lastchanged", "attribute.last_changed"),
            ("region", "attribute.region"),
        ],
        ..preset("mailchimp", "Mailchimp audience", CUSTOMERS, &["emailaddress", "leid", "euid"])
    },
    preset("hubspot", "HubSpot contacts", CUSTOMERS, &["recordid", "firstname", "lastname", "email"]),
    Preset {
        columns: &[("id", "customer"), ("accountid", "attribute.account_id")],
        ..preset("salesforce", "Salesforce contacts", CUSTOMERS, &["id", "accountid", "lastname"])
    },
    preset("salesforce", "Salesforce contacts", CUSTOMERS, &["contactid", "lastname", "email"]),
    preset("klaviyo", "Klaviyo profiles", CUSTOMERS, &["klaviyoid"]),
    Preset {
        columns: &[("sms", "phone"), ("whatsapp", "phone")],
        ..preset("brevo", "Brevo contacts", CUSTOMERS, &["contactid", "email", "addedtime", "modifiedtime"])
    },
    Preset {
        columns: &[("status", "subscription")],
        ..preset("activecampaign", "ActiveCampaign contacts", CUSTOMERS, &[])
    },
    Preset {
        columns: &[("username", "attribute.username"), ("region", "attribute.region")],
        ..preset("woocommerce", "WooCommerce customers", CUSTOMERS, &["username", "lastactive", "signup", "totalspend"])
    },
    preset("outlook", "Outlook contacts", CUSTOMERS, &["emailaddress", "email2address", "businessphone"]),
    preset("google", "Google Contacts", CUSTOMERS, &["email1value"]),
    preset("mautic", "Mautic contacts", CUSTOMERS, &["dateidentified", "email"]),
    Preset {
        columns: &[("uuid", "customer"), ("status", "subscription")],
        ..preset("listmonk", "listmonk subscribers", CUSTOMERS, &["uuid", "email", "attributes", "status"])
    },
    Preset {
        columns: &[("emailstatus", "subscription")],
        ..preset("constant-contact", "Constant Contact contacts", CUSTOMERS, &["emailaddress", "emailpermissionstatus"])
    },
    Preset {
        columns: &[
            ("name", "order"),
            ("id", "-"),
            ("total", "amount"),
            ("taxes", "-"),
            ("subtotal", "attribute.subtotal"),
            ("vendor", "-"),
            ("tags", "-"),
        ],
        ..preset("shopify", "Shopify orders", ORDERS, &["name", "financialstatus", "lineitemquantity", "lineitemprice"])
    },
    Preset {
        columns: &[("ordertotalamount", "amount"), ("discountamount", "-"), ("itemcost", "unit_price")],
        ..preset("woocommerce", "WooCommerce orders", ORDERS, &["ordernumber", "ordertotalamount", "itemname"])
    },
    Preset {
        columns: &[("ordertotal", "amount"), ("ordercurrency", "currency"), ("orderid", "-")],
        ..preset(
            "woocommerce",
            "WooCommerce orders",
            ORDERS,
            &["orderid", "ordernumber", "ordertotal", "ordercurrency"],
        )
    },
    Preset {
        columns: &[
            ("id", "order"),
            ("createddateutc", "at"),
            ("createdutc", "at"),
            ("amount", "amount"),
            ("amountrefunded", "refunded"),
            ("customerid", "customer"),
            ("customeremail", "email"),
            ("description", "description"),
        ],
        zone: Some(Tz::UTC),
        ..preset("stripe", "Stripe payments", ORDERS, &["id", "amount", "amountrefunded", "currency", "captured"])
    },
    Preset {
        columns: &[("customerid", "customer"), ("country", "country")],
        currency: Some("GBP"),
        zone: Some(Tz::Europe__London),
        ..preset(
            "online-retail",
            "UCI Online Retail data set",
            ORDERS,
            &["invoiceno", "stockcode", "description", "quantity", "invoicedate", "unitprice", "customerid", "country"],
        )
    },
    Preset {
        columns: &[("sid", "id"), ("direction", "direction"), ("status", "-")],
        channel: Some(Channel::Sms),
        ..preset("twilio", "Twilio message log", MESSAGES, &["from", "to", "body", "sid", "direction"])
    },
];

/// The preset that a header belongs to: of several, the one that asks for most columns.
#[must_use]
pub fn detect(kind: ImportKind, header: &[String]) -> Option<&'static Preset> {
    let names: Vec<String> = header.iter().map(|name| plain(name)).collect();
    let has = |wanted: &&str| names.iter().any(|name| name == wanted);
    ALL.iter()
        .filter(|preset| preset.kind == kind && !preset.signature.is_empty())
        .filter(|preset| preset.signature.iter().all(&has))
        .min_by_key(|preset| std::cmp::Reverse(preset.signature.len()))
}

/// The preset of a name, for a file with this header: of two exports of one system, the one that fits.
#[must_use]
pub fn named(kind: ImportKind, name: &str, header: &[String]) -> Option<&'static Preset> {
    let of_name = |preset: &&Preset| preset.kind == kind && preset.name == name;
    detect(kind, header).filter(|preset| of_name(preset)).or_else(|| ALL.iter().find(of_name))
}

/// The names of all presets of a kind, each once.
#[must_use]
pub fn names(kind: ImportKind) -> Vec<&'static str> {
    let mut names: Vec<_> = ALL.iter().filter(|preset| preset.kind == kind).map(|preset| preset.name).collect();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exports_are_known_by_their_header() {
        let name = |kind, header: &str| {
            let header: Vec<String> = header.split(',').map(str::to_owned).collect();
            detect(kind, &header).map(|preset| preset.title)
        };
        assert_eq!(name(CUSTOMERS, "Id,AccountId,LastName,FirstName,Email"), Some("Salesforce contacts"));
        assert_eq!(name(CUSTOMERS, "Email Address,First Name,LEID,EUID,TAGS"), Some("Mailchimp audience"));
        assert_eq!(
            name(ORDERS, "Name,Email,Financial Status,Lineitem quantity,Lineitem price"),
            Some("Shopify orders")
        );
        assert_eq!(name(CUSTOMERS, "CONTACT ID,EMAIL,LASTNAME,ADDED_TIME,MODIFIED_TIME"), Some("Brevo contacts"));
        assert_eq!(name(CUSTOMERS, "Email,Name"), None);
    }
}
