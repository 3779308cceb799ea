"""Trains both iris models, exports them to ONNX and records what they answer.

    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt && .venv/bin/python train.py

Writes model/model.onnx (logistic regression), model-v2/model.onnx (support vector machine) and
expected.json: the answers of scikit-learn itself to all 150 rows, which server.test.ts holds the server to.
"""

import json
from pathlib import Path

import numpy as np
import onnxruntime
from skl2onnx import to_onnx
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

SEED = 7
HERE = Path(__file__).parent


def train(folder, classifier, rows, labels):
    """Fits on 120 rows, exports, and checks ONNX against scikit-learn on every row."""
    fit_rows, test_rows, fit_labels, test_labels = train_test_split(
        rows, labels, test_size=30, random_state=SEED, stratify=labels
    )
    classifier.fit(fit_rows, fit_labels)
    accuracy = classifier.score(test_rows, test_labels)
    # zipmap off: probabilities leave as a plain tensor, the only kind a tensor protocol can carry.
    model = to_onnx(
        classifier, rows[:1], options={"zipmap": False}, target_opset={"": 17, "ai.onnx.ml": 3}
    )
    path = HERE / folder / "model.onnx"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(model.SerializeToString())

    session = onnxruntime.InferenceSession(path)
    answers = session.run(None, {session.get_inputs()[0].name: rows})[0]
    predictions = classifier.predict(rows)
    if not np.array_equal(answers, predictions):
        raise SystemExit(f"{folder}: ONNX and scikit-learn disagree on {np.sum(answers != predictions)} rows")
    print(f"{folder}: {accuracy:.4f} of 30 test rows right, {path.stat().st_size} bytes")
    return {"accuracy": round(accuracy, 4), "predictions": predictions.tolist()}


def main():
    # float32 throughout, as the server's input tensor: the same rounding on both sides.
    rows, labels = load_iris(return_X_y=True)
    rows = rows.astype(np.float32)
    # Without a scaler in front the exported model stays under a kilobyte.
    v1 = train("model", LogisticRegression(max_iter=1000), rows, labels)
    v2 = train("model-v2", make_pipeline(StandardScaler(), SVC(C=2.0)), rows, labels)
    # Rounded: float32's 5.1 is 5.099999904... as a double, and reads back as the same float32.
    recorded = {"rows": np.round(rows.astype(float), 1).tolist(), "model": v1, "model-v2": v2}
    (HERE / "expected.json").write_text(json.dumps(recorded, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
