import { readFileSync } from "node:fs";
import { readClaims, unshown } from "./test/parity/check.ts";
const list = JSON.parse(readFileSync("/tmp/parity-list2.json","utf8")) as {name:string;file:string}[];
const out = list.map(t=>({file:t.file.replace("/work/main/",""),title:t.name,state:"passed" as const}));
const claims = readClaims(readFileSync("docs/parity.md","utf8"));
console.log(unshown(claims,out,new Set(claims.flatMap(c=>c.evidence.map(e=>e.file)))).join("\n"));
const n:Record<string,number>={}; for(const c of claims) n[c.status]=(n[c.status]??0)+1; console.log(n);
