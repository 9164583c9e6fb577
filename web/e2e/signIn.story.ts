import { expect, expectAccessible, test } from "./test";

test("where the server knows an issuer, its button leads there and back to the page that was asked for", async ({
  page,
}) => {
  await page.route("**/auth/session", (route) => route.fulfill({ json: { openIdConnect: true, signedIn: false } }));
  await page.goto("/customers?search=kolar");
  const button = page.getByRole("link", { name: "Sign in with your company account" });
  await expect(button).toHaveAttribute("href", "/auth/sign-in?to=%2Fcustomers%3Fsearch%3Dkolar");
  await expectAccessible(page);
});

test("what went wrong at the issuer is said in words", async ({ page }) => {
  await page.goto("/sign-in?problem=no_role");
  await expect(page.getByRole("alert")).toContainText("no role here yet");
  await expectAccessible(page);
});
