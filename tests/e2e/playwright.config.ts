import { defineConfig } from "@playwright/test";

// One worker: every test runs two browsers and a server in real time on two cores. No retries: a
// flaky test is a bug.
export default defineConfig({
  workers: 1,
  retries: 0,
  fullyParallel: false,
  forbidOnly: true,
  timeout: 240_000,
  expect: { timeout: 30_000 },
  reporter: [["list"]],
  outputDir: "results/artifacts",
  projects: [
    { name: "e2e", testDir: "tests" },
    { name: "episodes", testDir: "commands", testMatch: "episodes.ts", timeout: 0 },
    { name: "picture", testDir: "commands", testMatch: "picture.ts" },
    { name: "measure", testDir: "commands", testMatch: "measure.ts", timeout: 0 },
    {
      name: "measure-python",
      testDir: "commands",
      testMatch: "measure-python.ts",
      timeout: 0,
    },
  ],
});
