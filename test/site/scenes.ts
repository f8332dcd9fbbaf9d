// Each example with a page, in use: for screenshots, and for tests that look at it.
import type { Page } from "playwright-core";
import { start as startModel } from "../../examples/ai-chat/server.js";
import { start as startAuth } from "../../examples/auth/session.js";
import { start as startChat } from "../../examples/chat/server.js";
import { start as startCluster } from "../../examples/cluster/server.js";
import { start as startMessages } from "../../examples/private-messages/server.js";
import { start as startReact } from "../../examples/react/server.js";
import { start as startTasks } from "../../examples/tasks/server.js";
import { start as startTransports } from "../../examples/transports/server.js";
import { start as startUpload } from "../../examples/upload/server.js";
import { start as startWhiteboard } from "../../examples/whiteboard/server.js";

export interface Scene {
  start(options: { port: number }): Promise<{ url: string; close(): Promise<unknown> }>;
  /** Uses the page, and returns the one to show. */
  play(open: () => Promise<Page>): Promise<Page>;
  readonly size?: { readonly width: number; readonly height: number };
}

export const SCENES: Readonly<Record<string, Scene>> = {
  chat: {
    start: startChat,
    size: { width: 1000, height: 640 },
    async play(open) {
      const pages: Page[] = [];
      for (const name of ["Ann", "Ben", "Chloe"]) {
        const page = await open();
        await page.getByLabel("Your name").fill(name);
        await page.getByRole("button", { name: "Join the chat" }).click();
        await page.getByText(`Welcome, ${name}`).waitFor();
        pages.push(page);
      }
      const [ann, ben, chloe] = pages as [Page, Page, Page];
      const lines: readonly (readonly [Page, string])[] = [
        [ann, "The train goes into a tunnel now"],
        [ben, "Then write on, it arrives when you are out again"],
        [ann, "And once each?"],
        [chloe, "Once each, and in order"],
      ];
      for (const [page, text] of lines) {
        await page.getByRole("textbox", { name: "Message" }).fill(text);
        await page.keyboard.press("Enter");
        await ann.getByRole("log").getByText(text).waitFor();
      }
      await ben.getByRole("textbox", { name: "Message" }).pressSequentially("So");
      await ann.getByText("Ben is typing").waitFor();
      return ann;
    },
  },
  whiteboard: {
    start: startWhiteboard,
    async play(open) {
      const [ann, ben] = [await open(), await open()];
      for (const [index, page] of [ann, ben].entries()) {
        await page
          .locator("input")
          .nth(index + 1)
          .check();
        const at = (turn: number): readonly [number, number] => [
          450 + (220 - index * 90) * Math.cos(turn),
          300 + (150 - index * 60) * Math.sin(turn * (index + 1)),
        ];
        await page.mouse.move(...at(0));
        await page.mouse.down();
        for (let turn = 0; turn <= 6.3; turn += 0.1) await page.mouse.move(...at(turn));
        await page.mouse.up();
      }
      await ann.waitForTimeout(500);
      return ann;
    },
  },
  "private-messages": {
    start: startMessages,
    async play(open) {
      const [ann, ben] = [await open(), await open()];
      for (const [page, name] of [
        [ann, "Ann"],
        [ben, "Ben"],
      ] as const) {
        await page.getByLabel("Your name").fill(name);
        await page.getByRole("button", { name: "Come in" }).click();
        await page.getByText(`You are ${name}`).waitFor();
      }
      for (const [page, to, text] of [
        [ann, "Ben", "Lunch?"],
        [ben, "Ann", "At one, by the river"],
      ] as const) {
        await page.getByLabel("To").selectOption(to);
        await page.getByRole("textbox", { name: "Message" }).fill(text);
        await page.getByRole("button", { name: "Send" }).click();
        await ann.getByText(text).waitFor();
      }
      return ann;
    },
  },
  tasks: {
    start: startTasks,
    async play(open) {
      const page = await open();
      for (const text of ["Water the plants", "Mend the net", "Swim upstream"]) {
        await page.getByLabel("New task").fill(text);
        await page.getByRole("button", { name: "Add" }).click();
        await page.getByRole("checkbox", { name: text }).waitFor();
      }
      await page.getByRole("checkbox", { name: "Mend the net" }).check();
      return page;
    },
  },
  auth: {
    start: startAuth,
    async play(open) {
      const page = await open();
      await page.getByLabel("Your name").fill("Ann");
      await page.getByRole("button", { name: "Log in" }).click();
      await page.getByRole("button", { name: "Ask the server who I am" }).click();
      await page.getByText("whoami: Ann").waitFor();
      return page;
    },
  },
  "ai-chat": {
    start: startModel,
    async play(open) {
      const page = await open();
      await page.getByLabel("Your question").fill("How does it find home?");
      await page.getByRole("button", { name: "Ask" }).click();
      await page.getByText("finds the mouth of its own river").waitFor();
      return page;
    },
  },
  react: {
    start: startReact,
    async play(open) {
      const [ann, ben] = [await open(), await open()];
      for (const [page, name, choice] of [
        [ann, "Ann", "Ramen"],
        [ben, "Ben", "Tacos"],
      ] as const) {
        await page.getByText("Online").waitFor();
        await page.getByRole("textbox").fill(name);
        await page.getByRole("button", { name: choice }).click();
      }
      await ann.waitForTimeout(1500);
      return ann;
    },
  },
  upload: {
    start: startUpload,
    async play(open) {
      const page = await open();
      const buffer = Buffer.alloc(3e6, "sockeye");
      await page
        .getByLabel("File")
        .setInputFiles({ name: "river.bin", mimeType: "application/octet-stream", buffer });
      await page.getByRole("button", { name: "Upload" }).click();
      await page.getByText("SHA-256").first().waitFor();
      return page;
    },
  },
  transports: {
    start: startTransports,
    size: { width: 1000, height: 760 },
    async play(open) {
      const page = await open();
      // Some round trips of each.
      await page.waitForTimeout(6000);
      return page;
    },
  },
  cluster: {
    start: startCluster,
    async play(open) {
      const [ann, ben] = [await open(), await open()];
      for (const [page, text] of [
        [ann, "Hello from one node"],
        [ben, "Hello from another"],
      ] as const) {
        await page.getByLabel("Message").fill(text);
        await page.keyboard.press("Enter");
        await ann.getByText(text).waitFor();
      }
      return ann;
    },
  },
};
