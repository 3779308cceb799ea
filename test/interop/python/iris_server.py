"""KServe's own model server around one scikit-learn model; its arguments are those of kserve.ModelServer."""

import argparse

import joblib
import kserve
import numpy


class Iris(kserve.Model):
    def __init__(self, name, path):
        super().__init__(name)
        self.path = path

    def load(self):
        self.model = joblib.load(self.path)
        self.ready = True
        return self.ready

    async def get_input_types(self):
        return [{"name": "input-0", "datatype": "FP32", "shape": [-1, 4]}]

    async def get_output_types(self):
        return [{"name": "output-0", "datatype": "INT64", "shape": [-1]}]

    async def predict(self, payload, headers=None, response_headers=None):
        if not isinstance(payload, kserve.InferRequest):
            return {"predictions": self.model.predict(payload["instances"]).tolist()}
        rows = payload.inputs[0].as_numpy()
        labels = self.model.predict(rows).astype(numpy.int64)
        output = kserve.InferOutput("output-0", list(labels.shape), "INT64")
        # Binary only if the request asks for it: kserve decides by the request's outputs.
        output.set_data_from_numpy(labels, binary_data=False)
        return kserve.InferResponse(payload.id, self.name, [output])


parser = argparse.ArgumentParser(parents=[kserve.model_server.parser])
parser.add_argument("--model_file", required=True)
args = parser.parse_args()
model = Iris(args.model_name, args.model_file)
model.load()
kserve.ModelServer().start([model])
