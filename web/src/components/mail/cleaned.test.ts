import { describe, expect, test } from "vitest";
import { cleaned } from "./cleaned";

describe("a mail that is shown", () => {
  test("keeps its layout and its words", () => {
    const { html } = cleaned(
      '<table width=600 bgcolor="#fff"><tr><td align=center>1 < 2 &amp; <b>so</b></td></tr></table>',
    );
    expect(html).toBe(
      '<table width="600" bgcolor="#fff"><tr><td align="center">1 &lt; 2 &amp; <b>so</b></td></tr></table>',
    );
  });

  test("keeps its styles apart, without what they would fetch", () => {
    const { html, css } = cleaned(
      "<style>@import url(//evil.example/x.css); p{color:red;background:url('//evil.example/p.png')}</style><p style='margin:0;background:url(x)'>a</p>",
    );
    expect(css.trim()).toBe("p{color:red;background:none}");
    expect(html).toBe('<p data-style="margin:0;background:none">a</p>');
  });

  test.each([
    ["<script>alert(1)</script>a", "a"],
    ["<SCRIPT src=//evil.example></SCRIPT >a", "a"],
    ["<script>alert(1)", ""],
    ["<svg onload=alert(1)><image href=//evil.example/></svg>a", "a"],
    [
      "<iframe src=//evil.example></iframe><object data=x></object><base href=//evil.example><meta http-equiv=refresh>",
      "",
    ],
    ["<form action=//evil.example><input name=q><button>go</button></form>", "go"],
    ["<!--[if mso]><p>Outlook</p><![endif]-->a<![if !mso]>b<![endif]>", "ab"],
    ['<p onclick="alert(1)" title="a > b">x</p>', '<p title="a > b">x</p>'],
    ['<a href="javascript:alert(1)">x</a>', '<a title="javascript:alert(1)" data-link="">x</a>'],
    ['<p title="&quot;><script>">x', '<p title="&quot;>&lt;script>">x'],
    ["<scr<script>x</script>ipt>a", "xipt>a"],
    ["a<p title='never closed>b", "a"],
  ])("neither runs nor fetches anything: %s", (mail, shown) => {
    const { html } = cleaned(mail);
    expect(html).not.toMatch(/<(?:script|svg|iframe|base|meta)/i);
    expect(html).toBe(shown);
  });

  test("counts the pictures that it would have fetched", () => {
    const { html, picturesLeftOut } = cleaned(
      '<img src="https://evil.example/pixel.gif" srcset="//evil.example/2x 2x" alt="Logo"><img src="data:image/png;base64,AA==">',
    );
    expect(picturesLeftOut).toBe(1);
    expect(html).toBe('<img alt="Logo"><img src="data:image/png;base64,AA==">');
  });

  test("is cleaned in a time that grows with its length alone", () => {
    const begun = performance.now();
    for (const part of [
      '<p class="a" ',
      "<",
      "<p",
      "<!--",
      "<style>",
      '<a href="',
      "<p =\"'>",
      "</script",
      "=".repeat(99),
    ]) {
      const long = part.repeat(200_000 / part.length);
      for (const begin of ["", "<script>", "<style>", "<p a="]) cleaned(begin + long);
    }
    expect(performance.now() - begun).toBeLessThan(5_000);
  });
});
