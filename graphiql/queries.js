// The ready-made queries: one tab each, in this order. The name is what ?tab=… in the address picks. "…" in a variable is
// filled in by console.js: an id of this tenant's, or the time a few seconds ago.
window.commlogQueries = [
  {
    name: "customers",
    query: `# Customers: newest first; search by beginnings of names and addresses, filter by what you know.
# Run with Ctrl-Enter. The other tabs begin with one of these customers: copy another id into their variables.
query Customers($search: String, $first: Int = 10, $after: String) {
  customers(filter: { search: $search }, first: $first, after: $after) {
    nodes {
      id
      name
      externalId
      territory
      tags
      orders
      revenue { total { micros currency } orders }
      lastOrderAt
      lastInboundAt
      lastOutboundAt
      addresses { kind address primary }
    }
    pageInfo { hasNextPage endCursor }
    totalCount
  }
}
`,
    variables: { search: null },
  },
  {
    name: "lists",
    query: `# Counts the customers who meet criteria. createList(name, criteria) keeps a list of them that is always up to date.
query Lists($criteria: ListCriteriaInput!) {
  previewList(criteria: $criteria) {
    preview {
      count
      isExact
      customerCount
      examples { id name orders lastOrderAt }
    }
    refusal { code field message }
  }
  lists { nodes { id name kind memberCount isEvaluating criteria } }
}
`,
    variables: { criteria: { all: [{ noOrderInDays: { days: 30 } }, { hasEmail: true }] } },
  },
  {
    name: "templates",
    query: `# What a customer would get of a template. "$code" is one of the templates below; "unsaved" previews what is not saved.
query Templates($customer: ID!, $code: String! = "check-in") {
  previewTemplate(input: { template: { draft: $code }, channel: EMAIL, customerId: $customer }) {
    preview { locale subject body html }
    refusal { code field message }
  }
  templates { code kind class title version }
}
`,
    variables: { customer: "Customer:…", code: "check-in" },
  },
  {
    name: "timeline",
    query: `# Everything that happened with one customer, newest first. Opens and clicks are told by their message's entry.
query Timeline($customer: ID!, $first: Int = 50, $after: String, $filter: TimelineFilterInput) {
  timeline(customerId: $customer, first: $first, after: $after, filter: $filter) {
    nodes {
      occurredAt
      kind
      channel
      direction
      author { kind name }
      message { messageId state subject preview deliveredAt opens { total human } clicks { total human } replies }
      activity { activityId title reference status amount { micros currency } }
      note { text pinned }
      consent { topic state }
      conversation { state assignee }
    }
    pageInfo { hasNextPage endCursor }
  }
}
`,
    variables: { customer: "Customer:…", filter: {} },
  },
  {
    name: "send",
    query: `# Sends a message. The answer tells whether it is queued, held or suppressed, and by which rule.
# The same idempotency key sends once, however often you run this.
mutation Send($input: SendMessageInput!, $key: String) {
  sendMessage(input: $input, idempotencyKey: $key) {
    decision
    rule
    position
    repeated
    refusal { code message field }
    message { id state to reasons { state reason inputs } }
  }
}
`,
    variables: {
      input: {
        customerId: "Customer:…",
        channel: "EMAIL",
        class: "TRANSACTIONAL",
        topic: "service",
        subject: "Hello",
        body: "Hello from the console!",
      },
      key: "console-1",
    },
  },
  {
    name: "live",
    query: `# One customer's timeline, live. Run this, open the page once more in a second window and run "Send" there: the message
# is queued, sent, delivered, opened, answered. (Choosing another tab here would stop the subscription.)
subscription Live($customer: ID!) {
  timeline(customerId: $customer) {
    occurredAt
    kind
    direction
    message { messageId state subject preview opens { total human } clicks { total human } replies }
    activity { title reference amount { micros currency } }
    note { text }
    consent { topic state }
    conversation { state }
  }
}
`,
    variables: { customer: "Customer:…" },
  },
  {
    name: "inbox",
    query: `# The inbox: figures of all sorts at once, and the conversations, the one that waits longest for a reply first. The same filter in
# subscription { inbox(filter: …) { conversationId conversation { … } } } tells what moves.
query Inbox($filter: ConversationFilterInput, $me: String = "bob", $first: Int = 20) {
  inbox(filter: $filter) {
    all { open pending snoozed resolved unread unreadMessages }
    mine: assigned(assignee: $me) { open unread }
    unassigned { open unread }
    byTeam { name counts { open unread } }
    byChannel { channel counts { open unread } }
    conversations(first: $first, orderBy: LONGEST_WAITING) {
      nodes { id channel state assignee priority unread waitingSince customer { id name } lastMessage { preview direction } }
    }
  }
}
`,
    variables: { filter: { states: ["OPEN", "PENDING", "SNOOZED"] } },
  },
  {
    name: "message",
    query: `# One message: how far it got, why it was held or not sent, and every event about it.
query Message($id: ID!) {
  message(id: $id) {
    state
    channel
    direction
    subject
    body
    milestones { state firstAt count }
    reasons { state reason class code inputs detail occurredAt }
    history { nodes { position type occurredAt actor data } }
    customer { id name }
  }
}
`,
    variables: { id: "Message:…" },
  },
  {
    name: "campaign",
    query: `# What a campaign achieved: three figures for opens and clicks, because proxies and scanners lie.
# createCampaign plans one, dryRunCampaign says what it would do, startCampaign sends it.
query Campaign($campaign: ID!) {
  campaigns(first: 10) {
    nodes { id name state progress { recipients decided queued held suppressed excluded } }
  }
  campaignMetrics(campaignId: $campaign) {
    totals {
      variant channel queued suppressed sent delivered hardBounced complained optedOut replied
      opens { raw machine human uniqueHuman }
      clicks { raw machine human uniqueHuman }
    }
    byHour { hour variant channel sent delivered opensHuman clicksHuman replied }
    costs { channel total { micros currency } }
  }
}
`,
    variables: { campaign: "Campaign:…" },
  },
  {
    name: "audit",
    query: `# The log itself, newest last: by customer, type and time. Seeing personal data here is itself recorded.
query Audit($filter: EventFilterInput, $last: Int = 50, $before: String) {
  events(filter: $filter, last: $last, before: $before) {
    nodes { position stream version type occurredAt recordedAt actor data hash personalPart }
    pageInfo { hasPreviousPage startCursor }
  }
}
`,
    variables: { filter: { types: null, customerId: null } },
  },
  {
    name: "as-of",
    query: `# A customer as of a moment: what did we know, and show, then? Later erasures apply.
query AsOf($customer: ID!, $time: DateTime!) {
  customer(id: $customer, asOf: { time: $time }) {
    name
    tags
    orders
    revenue { total { micros currency } }
    consents { channel topic state occurredAt }
    timeline(first: 10) { nodes { occurredAt kind message { state subject } } }
  }
}
`,
    variables: { customer: "Customer:…", time: "…" },
  },
  {
    name: "projections",
    query: `# How far the read models are behind the log, and what they could not apply.
query Projections {
  projections { name position lagEvents lagSeconds parked generation }
  viewer { role seesPersonalData maySend }
}
`,
  },
  {
    name: "accounts",
    query: `# The accounts that send for this tenant, and how they are. Only administrators see them; nobody sees their secrets.
query Accounts {
  accounts {
    provider name channels source state reason
    perSecond unit priority
    lastSentAt lastErrorClass lastErrorCode inFlight
    webhookUrl
  }
}
`,
  },
];
