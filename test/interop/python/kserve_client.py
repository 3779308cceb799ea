"""KServe's own clients against a server or a gateway in front of it."""

import argparse
import asyncio
import sys

import numpy

from outcome import check, equal

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--rest", required=True, help="http://127.0.0.1:8080")
parser.add_argument("--rest-host", help="the Host to ask for, where it is not that of the URL")
parser.add_argument("--grpc", required=True, help="127.0.0.1:8081")
parser.add_argument("--grpc-host", help="the authority to ask for")
args = parser.parse_args()

# kserve reads the command line when it is imported: ours is not meant for it.
del sys.argv[1:]
from kserve import InferInput, InferRequest, InferenceGRPCClient, InferenceRESTClient, RESTConfig  # noqa: E402

rows = numpy.array([[6.8, 2.8, 4.8, 1.4], [6.0, 3.4, 4.5, 1.6]], dtype=numpy.float32)
headers = {"host": args.rest_host} if args.rest_host else {}


def infer_request(binary):
    tensor = InferInput("input-0", list(rows.shape), "FP32")
    tensor.set_data_from_numpy(rows, binary_data=binary)
    return InferRequest(args.model, [tensor], request_id="seven")


async def rest(protocol, work):
    async with InferenceRESTClient(RESTConfig(protocol=protocol, timeout=60)) as client:
        await work(client)


async def v1(client):
    answer = await client.infer(args.rest, {"instances": rows.tolist()}, model_name=args.model, headers=headers)
    equal(answer, {"predictions": [1, 1]})


async def ready(client):
    equal(await client.is_model_ready(args.rest, args.model, headers=headers), True)


def v2(binary):
    async def work(client):
        answer = await client.infer(args.rest, infer_request(binary), model_name=args.model, headers=headers)
        equal(answer.id, "seven")
        equal(answer.outputs[0].as_numpy().tolist(), [1, 1])

    return work


async def grpc(work):
    options = [("grpc.default_authority", args.grpc_host)] if args.grpc_host else []
    async with InferenceGRPCClient(args.grpc, channel_args=options, timeout=60) as client:
        await work(client)


async def grpc_ready(client):
    equal(await client.is_server_live(), True)
    equal(await client.is_server_ready(), True)
    equal(await client.is_model_ready(args.model), True)


def grpc_infer(binary):
    async def work(client):
        answer = await client.infer(infer_request(binary))
        equal(answer.id, "seven")
        equal(answer.outputs[0].as_numpy().tolist(), [1, 1])

    return work


async def grpc_many(client):
    answers = await asyncio.gather(*(client.infer(infer_request(True)) for _ in range(50)))
    for answer in answers:
        equal(answer.outputs[0].as_numpy().tolist(), [1, 1])


async def main():
    await check("KServe's REST client, V1: predict", rest("v1", v1))
    await check("KServe's REST client, V1: is the model ready", rest("v1", ready))
    await check("KServe's REST client, V2: infer, JSON tensors", rest("v2", v2(False)))
    await check("KServe's REST client, V2: infer, binary tensors", rest("v2", v2(True)))
    await check("KServe's REST client, V2: is the model ready", rest("v2", ready))
    await check("KServe's gRPC client: server live and ready, model ready", grpc(grpc_ready))
    await check("KServe's gRPC client: infer, typed contents", grpc(grpc_infer(False)))
    await check("KServe's gRPC client: infer, raw contents", grpc(grpc_infer(True)))
    await check("KServe's gRPC client: 50 calls at once on one connection", grpc(grpc_many))


asyncio.run(main())
