"""OpenAI's client against llama-server or a gateway in front of it."""

import argparse
import asyncio

import httpx2
import openai

from outcome import check, equal

parser = argparse.ArgumentParser()
parser.add_argument("--url", required=True, help="http://127.0.0.1:8080/v1")
parser.add_argument("--host", help="the Host to ask for, where it is not that of the URL")
parser.add_argument("--retries", type=int, default=0, help="how often the client tries again by itself")
args = parser.parse_args()

client = openai.AsyncOpenAI(
    base_url=args.url,
    api_key="none",
    max_retries=args.retries,
    timeout=60,
    default_headers={"host": args.host} if args.host else {},
)
question = [{"role": "user", "content": "one two three"}]


async def models():
    page = await client.models.list()
    equal(len(page.data), 1)


async def completion():
    answer = await client.completions.create(model="tiny", prompt="one two three", max_tokens=12)
    assert answer.choices[0].text, "no text"
    equal(answer.choices[0].finish_reason, "length")
    equal(answer.usage.completion_tokens, 12)


async def completion_stream():
    stream = await client.completions.create(model="tiny", prompt="one two", max_tokens=12, stream=True)
    chunks = [chunk async for chunk in stream]
    assert len(chunks) > 10, f"{len(chunks)} chunks"
    equal(chunks[-1].choices[0].finish_reason, "length")


async def chat():
    answer = await client.chat.completions.create(model="tiny", messages=question, max_tokens=12)
    assert answer.choices[0].message.content, "no text"
    equal(answer.usage.completion_tokens, 12)


async def chat_stream(tokens=40):
    stream = await client.chat.completions.create(
        model="tiny", messages=question, max_tokens=tokens, stream=True, stream_options={"include_usage": True}
    )
    words, usage, reasons = 0, None, []
    async for chunk in stream:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            words += bool(choice.delta.content)
            if choice.finish_reason:
                reasons.append(choice.finish_reason)
    equal(words, tokens)
    equal(reasons, ["length"])
    equal(usage.completion_tokens, tokens)


async def chat_streams_at_once():
    await asyncio.gather(*(chat_stream(40) for _ in range(8)))


async def stream_given_up():
    """A stream closed by the client after three events; the server's slot is free for the next request."""
    for _ in range(8):
        stream = await client.chat.completions.create(
            model="tiny", messages=question, max_tokens=1500, stream=True
        )
        seen = 0
        async for _chunk in stream:
            seen += 1
            if seen == 3:
                break
        await stream.close()
    await asyncio.wait_for(chat_stream(10), 10)


async def long_stream():
    await chat_stream(1000)


async def refused():
    try:
        await client.chat.completions.create(model="tiny", messages=[{"role": "user"}], max_tokens=1)
    except openai.BadRequestError as error:
        assert error.body and error.body.get("message"), f"no message: {error.body!r}"
        return
    raise AssertionError("a message without content was accepted")


async def raw_events():
    """Server-sent events arrive one by one while the answer is being written, not all at its end."""
    body = {"messages": question, "max_tokens": 400, "stream": True}
    headers = {"host": args.host} if args.host else {}
    times = []
    async with httpx2.AsyncClient(timeout=60) as plain:
        async with plain.stream("POST", f"{args.url}/chat/completions", json=body, headers=headers) as answer:
            equal(answer.status_code, 200)
            equal(answer.headers["content-type"].split(";")[0], "text/event-stream")
            async for _chunk in answer.aiter_raw():
                times.append(asyncio.get_running_loop().time())
    assert len(times) > 50, f"the answer came in {len(times)} pieces"
    assert times[-1] - times[0] > 0.1, f"all pieces came within {times[-1] - times[0]:.3f} s"


async def main():
    await check("list of models", models())
    await check("completion", completion())
    await check("completion, streaming", completion_stream())
    await check("chat", chat())
    await check("chat, streaming with usage", chat_stream())
    await check("chat, 1000 events", long_stream())
    await check("chat, 8 streams at once", chat_streams_at_once())
    await check("chat, streams given up by the client", stream_given_up())
    await check("events arrive one by one", raw_events())
    await check("a refusal of the server as the client's error", refused())
    await client.close()


asyncio.run(main())
