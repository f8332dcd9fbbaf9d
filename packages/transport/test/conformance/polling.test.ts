import { transportSuite } from "@sockeye/conformance";
import { PollingTransport } from "@sockeye/transport/client";
import { nodePair } from "./node-pair.js";

transportSuite("polling", nodePair(PollingTransport));
