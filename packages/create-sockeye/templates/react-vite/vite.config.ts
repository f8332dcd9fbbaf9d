import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// Fast Refresh: a component that you edit keeps its state and its connection.
export default defineConfig({ plugins: [react()] });
