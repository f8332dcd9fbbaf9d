// Checked by packages/contract/test/ai.test.ts, where `ai` is installed.
import { SocketChatTransport, type StreamingSocket } from "@sockeye/contract/ai";
import type { ChatTransport, UIMessage, UIMessageChunk } from "ai";

declare const socket: StreamingSocket;
export const transport: ChatTransport<UIMessage> = new SocketChatTransport<UIMessage, UIMessageChunk>(socket);
// @ts-expect-error chunks of another kind
export const other: ChatTransport<UIMessage> = new SocketChatTransport<UIMessage, number>(socket);
