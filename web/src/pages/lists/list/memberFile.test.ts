import { describe, expect, test } from "vitest";
import { csvLine } from "./csv";
import { idIn, meant, namesIn } from "./memberFile";

describe("a file of members", () => {
  test("names a customer a line, in the first column, each once", () => {
    expect(namesIn('\uFEFFcustomer_id,name\r\n"A ""1""",Ada\r\nb@example.com;x\n\nb@example.com\n')).toEqual([
      'A "1"',
      "b@example.com",
    ]);
  });

  test("takes ids with and without their type", () => {
    const id = "01a22993-5193-7225-acc2-3704a6c740bd";
    expect([idIn(`Customer:${id}`), idIn(id.toUpperCase()), idIn("A-1")]).toEqual([id, id, undefined]);
  });

  test("means whom it names exactly", () => {
    const ada = { id: "1", externalId: "A-1", addresses: [{ address: "ada@example.com" }] };
    const bob = { id: "2", externalId: "A-12", addresses: [{ address: "ADA@example.com" }] };
    expect(meant("a-1", [ada, bob])).toBe("1");
    expect(meant("A-", [ada, bob])).toBe("unknown");
    expect(meant("ada@example.com", [ada, bob])).toBe("ambiguous");
  });
});

describe("a line of CSV", () => {
  test("quotes what has to be quoted, and runs no formula", () => {
    expect(csvLine(["a,b", 'say "x"', null, "=1+1", "+49 30 123", "-x"])).toBe(
      `"a,b","say ""x""",,'=1+1,+49 30 123,'-x\r\n`,
    );
  });
});
