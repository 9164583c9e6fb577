import { existsSync } from "node:fs";
import { defineConfig } from "@playwright/test";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath = process.env.CHROMIUM ?? PLACES.find((place) => existsSync(place));

// Pages that come from the stories' own process are to Chromium from elsewhere, and could not reach the server's socket.
const args = process.env.COMMLOG_E2E_DIST ? ["--disable-features=LocalNetworkAccessChecks"] : [];

export default defineConfig({
  testDir: ".",
  testMatch: "*.story.ts",
  outputDir: "../test-results",
  // A test that passes only sometimes is a fault to be found.
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  workers: 1,
  forbidOnly: process.env.CI !== undefined,
  use: {
    locale: "en-GB",
    timezoneId: "Europe/London",
    launchOptions: { executablePath, args },
    trace: "retain-on-failure",
  },
});
