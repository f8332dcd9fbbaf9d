/** A template: a folder of the same name in `templates`, and files that it has in common with others. */
export interface Template {
  readonly hint: string;
  /** Where files of `templates/shared` go. */
  readonly shared: Readonly<Record<string, string>>;
}

export type TemplateName = "chat-ts" | "react-vite" | "next" | "express" | "ai-chat";

const TYPED = { "contract.ts": "src/contract.ts", "io.ts": "src/io.ts" };
const REACT = { ...TYPED, "socket.ts": "src/socket.ts", "chat.tsx": "src/chat.tsx" };

/** The templates, the default first. */
export const TEMPLATES: Readonly<Record<TemplateName, Template>> = {
  "chat-ts": {
    hint: "a chat in TypeScript, with a page that needs no bundler",
    shared: { ...TYPED, "style.css": "public/style.css", "index.html": "public/index.html" },
  },
  "react-vite": {
    hint: "a chat in React with Vite",
    shared: { ...REACT, "style.css": "src/style.css" },
  },
  next: {
    hint: "a chat in Next.js, app router, on a server of its own",
    shared: { ...REACT, "style.css": "app/style.css" },
  },
  express: {
    hint: "a chat beside the routes of an Express app, in JavaScript",
    shared: { "style.css": "public/style.css", "index.html": "public/index.html" },
  },
  "ai-chat": {
    hint: "answers of a model, word by word, that survive a reload",
    shared: { "style.css": "public/style.css" },
  },
};

export const TEMPLATE_NAMES: readonly TemplateName[] = Object.keys(TEMPLATES) as TemplateName[];

export function isTemplate(name: string): name is TemplateName {
  return Object.hasOwn(TEMPLATES, name);
}
