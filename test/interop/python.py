# Calls by python-socketio, which knows nothing of them: an event with an acknowledgement. Prints each answer as JSON.
import asyncio
import json
import sys

import socketio


async def main(url, transport, serializer):
    client = socketio.AsyncClient(reconnection=False, serializer=serializer)

    @client.on("ready")
    async def ready(number):
        return number * 2

    await client.connect(url, transports=[transport])
    for event, data in [("double", 4), ("double", "four"), ("rename", "Ann"), ("unknown", None), ("ask-me", 21)]:
        print(json.dumps([event, await client.call(event, data, timeout=20)]), flush=True)
    await client.disconnect()


asyncio.run(main(*sys.argv[1:]))
