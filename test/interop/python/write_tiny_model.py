"""Writes a llama model with random weights to the file named: real enough for llama-server to load and to talk."""

import sys

import gguf
import numpy

WIDTH, LAYERS, HEADS, INNER, CONTEXT = 64, 2, 4, 128, 2048
WORDS = " the a of and to in is it that was on for with as one two three four red blue green small large".split(" ")

random = numpy.random.default_rng(7)
tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)] + [f"▁{word}" for word in WORDS]
kinds = (
    [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL]
    + [gguf.TokenType.BYTE] * 256
    + [gguf.TokenType.NORMAL] * len(WORDS)
)
scores = [0.0] * 259 + [-float(index) for index in range(len(WORDS))]


def weights(*shape):
    return (random.standard_normal(shape) * 0.05).astype(numpy.float32)


def ones(size):
    return numpy.ones(size, dtype=numpy.float32)


writer = gguf.GGUFWriter(sys.argv[1], "llama")
writer.add_name("tiny")
writer.add_context_length(CONTEXT)
writer.add_embedding_length(WIDTH)
writer.add_block_count(LAYERS)
writer.add_feed_forward_length(INNER)
writer.add_head_count(HEADS)
writer.add_head_count_kv(HEADS)
writer.add_rope_dimension_count(WIDTH // HEADS)
writer.add_layer_norm_rms_eps(1e-5)
writer.add_vocab_size(len(tokens))
writer.add_tokenizer_model("llama")
writer.add_token_list(tokens)
writer.add_token_scores(scores)
writer.add_token_types(kinds)
writer.add_unk_token_id(0)
writer.add_bos_token_id(1)
writer.add_eos_token_id(2)
writer.add_chat_template("{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}assistant:")

# Only the words have a say in what comes next, so that every answer is text and as long as asked for.
output = weights(len(tokens), WIDTH) * 40
output[:260] = 0
writer.add_tensor("token_embd.weight", weights(len(tokens), WIDTH) * 20)
writer.add_tensor("output_norm.weight", ones(WIDTH))
writer.add_tensor("output.weight", output)
for layer in range(LAYERS):
    block = f"blk.{layer}"
    writer.add_tensor(f"{block}.attn_norm.weight", ones(WIDTH))
    writer.add_tensor(f"{block}.ffn_norm.weight", ones(WIDTH))
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        writer.add_tensor(f"{block}.{name}.weight", weights(WIDTH, WIDTH))
    for name in ("ffn_gate", "ffn_up"):
        writer.add_tensor(f"{block}.{name}.weight", weights(INNER, WIDTH))
    writer.add_tensor(f"{block}.ffn_down.weight", weights(WIDTH, INNER))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
