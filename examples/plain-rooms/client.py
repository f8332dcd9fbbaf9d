# python-socketio follows a room: what was said before, what is said, and who is there, over any number of connections.
# With its AsyncClient: the other one gives each event a thread of its own, and their order is lost.
import asyncio
import json
import sys

import socketio

url = sys.argv[1] if len(sys.argv) > 1 else "http://localhost:3000"
name = sys.argv[2] if len(sys.argv) > 2 else "Ann"
client = socketio.AsyncClient(reconnection_delay=0.1)
states = {}
since = "last:20"


def show(what, value):
    print(what, json.dumps(value, separators=(",", ":")), flush=True)


def place(position):
    epoch, _, number = position.partition(".")
    return epoch, int(number, 36) if number else 0


@client.on("sockeye:event")
def heard(envelope):
    global since
    # An event may come twice while a client joins.
    (epoch, number), (last_epoch, last) = place(envelope["position"]), place(since)
    if epoch == last_epoch and number <= last:
        return
    since = envelope["position"]
    show(envelope["event"], envelope["args"])


@client.on("sockeye:presence")
def changed(change):
    for member in change["joined"] + change["updated"]:
        states[member["key"]] = member["state"]
    for key in change["away"]:
        states[key] = "away"
    for key in change["left"]:
        states.pop(key, None)
    show("people", sorted(f"{key} {state}" for key, state in states.items()))


@client.event
async def connect():
    await client.emit("sockeye:join", {"room": "lobby", "since": since}, callback=joined)


async def joined(answer, refusal=None):
    global since
    if answer is None:
        raise RuntimeError(refusal["$error"]["message"])
    if not answer["complete"]:
        show("lost", [])
    since = answer["position"]
    states.clear()
    states.update({member["key"]: member["state"] for member in answer["members"]})
    await client.emit("sockeye:presence", {"room": "lobby", "set": {"by": "python"}})


async def main():
    await client.connect(url, auth={"name": name})
    await client.wait()


asyncio.run(main())
