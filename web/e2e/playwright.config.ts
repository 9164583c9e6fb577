import { existsSync } from "node:fs";
import { defineConfig } from "@playwright/test";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath = process.env.CHROMIUM ?? PLACES.find((place) => existsSync(place));

export default defineConfig({
  testDir: ".",
  testMatch: "*.story.ts",
  outputDir: "../test-results",
  // A test that passes only sometimes is a fault to be found.
  retries: 0,
  // For machines that do other work beside: what is waited for is there long before.
  timeout: 120_000,
  expect: { timeout: 20_000 },
  workers: 1,
  forbidOnly: process.env.CI !== undefined,
  use: { locale: "en-GB", timezoneId: "Europe/London", launchOptions: { executablePath }, trace: "retain-on-failure" },
});
