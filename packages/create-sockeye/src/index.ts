export type { NewApp } from "./create-app.js";
export { createApp } from "./create-app.js";
export type { Template, TemplateName } from "./templates.js";
export { TEMPLATES } from "./templates.js";
