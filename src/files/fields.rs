//! The fields of an import: what people write after `=` in `--map COLUMN=FIELD`, and the column names that mean them.

use crate::domain::import::event::ImportKind;

/// A field of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The name, such as `unit_price`.
    pub name: &'static str,
    /// What it holds.
    pub meaning: &'static str,
    /// Column names that mean it, the most certain first, as [`plain`] writes them.
    pub names: &'static [&'static str],
    /// Column names that mean it in files that have none of the others.
    pub weak: &'static [&'static str],
    /// What happens if several columns bear its names.
    pub several: Several,
}

/// What happens if several columns bear a field's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Several {
    /// The import asks which one is meant.
    Ask,
    /// The most certain name counts; the others are columns like any other.
    First,
    /// All are read.
    All,
}

/// A column name without what people write differently: letters and digits in lower case.
#[must_use]
pub fn plain(name: &str) -> String {
    name.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

const fn field(name: &'static str, meaning: &'static str, names: &'static [&'static str]) -> Field {
    Field { name, meaning, names, weak: &[], several: Several::Ask }
}

impl Field {
    const fn first(self) -> Self {
        Self { several: Several::First, ..self }
    }

    const fn all(self) -> Self {
        Self { several: Several::All, ..self }
    }

    const fn weak(self, weak: &'static [&'static str]) -> Self {
        Self { weak, ..self }
    }
}

/// An account or a company is not a person: `AccountId` is not among the names.
const CUSTOMER: Field = field(
    "customer",
    "the customer's id in your system",
    &[
        "customer",
        "customerid",
        "customerno",
        "customernumber",
        "externalid",
        "contactid",
        "recordid",
        "klaviyoid",
        "subscriberid",
        "clientid",
        "extid",
    ],
)
.weak(&["identifier"])
.first();
const TERRITORY: Field =
    field("territory", "sales territory", &["territory", "salesterritory", "region", "zipcode"]).first();
const COUNTRY: Field = field(
    "country",
    "the country that phone numbers without a country code belong to; also the territory, if there is no other",
    &[
        "country",
        "countrycode",
        "countryregion",
        "mailingcountry",
        "billingcountry",
        "shippingcountry",
        "defaultaddresscountrycode",
        "businesscountryregion",
        "homecountryregion",
        "address1country",
        "cc",
    ],
)
.first();
const EMAIL: Field = field(
    "email",
    "email address; several columns give several addresses",
    &[
        "email",
        "emailaddress",
        "mail",
        "customeremail",
        "emailbilling",
        "billingemail",
        "email1value",
        "email2value",
        "email3value",
        "email1address",
        "email2address",
        "email3address",
        "emailaddress2",
        "secondaryemail",
        "alternateemail",
        "alternativeemail",
        "additionalemail",
        "otheremail",
        "homeemail",
        "businessemail",
        "workemail",
        "personalemail",
        "email2",
    ],
)
.all();
const PHONE: Field = field(
    "phone",
    "phone number, best with its country code; several columns give several numbers",
    &[
        "mobile",
        "mobilenumber",
        "mobilephone",
        "mobilephonenumber",
        "cell",
        "cellphone",
        "phone",
        "phonenumber",
        "telephone",
        "msisdn",
        "whatsapp",
        "phone1value",
        "phone2value",
        "phone3value",
        "primaryphone",
        "homephone",
        "businessphone",
        "workphone",
        "otherphone",
        "secondaryphone",
        "alternatephone",
        "additionalphone",
        "phonemobile",
        "phonehome",
        "phonework",
        "defaultaddressphone",
        "phonebilling",
        "billingphone",
    ],
)
.all();
const AT: Field = field(
    "at",
    "when it happened",
    &[
        "at",
        "date",
        "time",
        "datetime",
        "timestamp",
        "invoicedate",
        "orderdate",
        "occurredat",
        "createdat",
        "sentat",
        "receivedat",
        "createddate",
        "createddateutc",
        "createdutc",
        "datesent",
        "sentdate",
        "datecreated",
    ],
)
.first();
const CURRENCY: Field =
    field("currency", "ISO 4217 code", &["currency", "currencycode", "ordercurrency", "presentmentcurrency"]).first();
const STATUS: Field =
    field("status", "the order's status", &["status", "orderstatus", "financialstatus", "paymentstatus"]).first();

const CUSTOMERS: &[Field] = &[
    CUSTOMER.weak(&["id", "userid", "uuid", "personid", "memberid"]),
    field(
        "name",
        "full name",
        &["name", "fullname", "customername", "contactname", "contact", "contactperson", "displayname"],
    )
    .first(),
    field("first_name", "first name, joined with last_name", &["firstname", "givenname", "forename", "fname"]).first(),
    field("last_name", "last name", &["lastname", "surname", "familyname", "lname"]).first(),
    field(
        "company",
        "company: the name of a customer without another one, otherwise an attribute",
        &[
            "company",
            "companyname",
            "organization",
            "organisation",
            "organizationname",
            "organization1name",
            "accountname",
        ],
    )
    .first(),
    EMAIL,
    PHONE,
    TERRITORY,
    COUNTRY,
    field("account_type", "such as retail, wholesale", &["accounttype", "customertype"]).first(),
    field("priority", "such as high, normal", &["priority", "accountpriority"]).first(),
    field("owner", "who looks after the customer", &["owner", "accountowner", "contactowner", "salesrep", "agent"])
        .first(),
    field("lead_score", "whole number", &["leadscore", "score"]).first(),
    field("industry", "industry", &["industry", "sector", "branch"]).first(),
    field("locale", "such as en-GB", &["locale", "language", "preferredlanguage"]).first(),
    field("time_zone", "such as Europe/London", &["timezone", "tz"]).first(),
    field(
        "preferred_hours",
        "when the customer likes to be written to, such as mon-fri 18:00-21:00",
        &["preferredhours", "preferredcontacthours"],
    )
    .first(),
    field("addresses", "all addresses, as commlog exports them", &[]),
    field("consents", "all consents, as commlog exports them", &[]),
    field("merged_into", "whom the customer was merged into: the line is passed over", &[]),
    field("forgotten", "when the customer was forgotten: the line is passed over", &[]),
    field("anonymous", "whether it is the anonymous placeholder: the line is passed over", &[]),
    field("tags", "as a, b or \"a\",\"b\" or [\"a\",\"b\"] or {a,b} or a|b;c", &["tags", "labels", "groupmembership"])
        .first(),
];

const ORDERS: &[Field] = &[
    field(
        "order",
        "the order's or invoice's number",
        &["order", "orderid", "orderno", "ordernumber", "invoice", "invoiceno", "invoicenumber", "reference"],
    ),
    CUSTOMER,
    EMAIL,
    PHONE,
    AT,
    field(
        "sku",
        "the article's code; the description, if it is blank",
        &["sku", "lineitemsku", "stockcode", "itemcode", "articleno", "productid", "productcode"],
    )
    .first(),
    field(
        "description",
        "the article's description",
        &["description", "productname", "itemname", "lineitemname", "article"],
    )
    .first(),
    field(
        "quantity",
        "how many; negative for returns; 1, if there is no such column",
        &["quantity", "qty", "lineitemquantity", "quantityrefund"],
    )
    .first(),
    field("unit_price", "price of one", &["unitprice", "price", "lineitemprice", "itemcost"]).first(),
    field("line_amount", "amount of the line, in place of a unit price", &["lineamount", "linetotal", "itemtotal"])
        .first(),
    field(
        "amount",
        "amount of the whole order, with its tax, shipping and discounts",
        &["total", "ordertotal", "ordertotalamount", "grandtotal", "totalamount", "totalprice", "amount"],
    )
    .first(),
    field("discount", "discount on the whole order", &["discountamount", "orderdiscount", "cartdiscountamount"])
        .first(),
    field(
        "shipping",
        "shipping of the whole order",
        &["shipping", "shippingtotal", "ordershippingamount", "shippingamount"],
    )
    .first(),
    field("tax", "tax on the whole order, not contained in the prices", &["ordertax", "taxtotal"]).first(),
    field(
        "refunded",
        "what was refunded of the whole order; it leaves the amount",
        &["refundedamount", "amountrefunded", "orderrefundamount", "totalrefunded"],
    )
    .first(),
    CURRENCY,
    STATUS,
    COUNTRY,
    TERRITORY,
];

const MESSAGES: &[Field] = &[
    field("body", "the text", &["body", "text", "message", "sms", "content"]).first(),
    CUSTOMER,
    field("from", "the address that it came from", &["from", "sender", "fromaddress", "fromnumber"]).first(),
    field("to", "the address that it went to", &["to", "recipient", "toaddress", "tonumber"]).first(),
    AT,
    field("subject", "the subject of an email", &["subject"]),
    field("channel", "email, sms, whatsapp, voice, push or in_app", &["channel"]),
    field(
        "direction",
        "inbound or outbound, received or sent; only what customers wrote is imported",
        &["direction", "messagedirection"],
    )
    .weak(&["type", "messagetype", "folder"]),
    field("from_me", "whether you wrote it: yes or no", &["isfromme", "fromme", "outgoing", "isoutgoing"]).first(),
    field("id", "the message's id in your system", &["id", "messageid", "messagesid", "sid", "smssid"]).first(),
    COUNTRY,
];

/// The fields of the results of a campaign, none of which is found by a column's name: a file of results has columns of the
/// time before the campaign as well.
const CAMPAIGN_RESULTS: &[Field] = &[
    field("arm", "the group of the customer: a variant, or those who were held out", &[]),
    CUSTOMER,
    EMAIL,
    PHONE,
    field("spend", "what the customer spent after the campaign", &[]),
    field("at", "when the customer did what the line says", &[]),
    CURRENCY,
    COUNTRY,
];

/// The fields of a kind of import.
#[must_use]
pub const fn fields(kind: ImportKind) -> &'static [Field] {
    match kind {
        ImportKind::Customers => CUSTOMERS,
        ImportKind::Orders => ORDERS,
        ImportKind::Messages => MESSAGES,
        ImportKind::CampaignResults => CAMPAIGN_RESULTS,
    }
}
