#include "parser/json_splice.h"

#include <utility>

#include "base/assert.h"
#include "parser/json_string.h"

namespace sluice {

namespace {

// Edit - `bytes` of the body at `at` give way to `text`.
struct Edit {
  std::size_t at = 0;
  std::size_t bytes = 0;
  std::string_view text;  // "": no edit
};

Edit model_edit(const RequestProbe& probe, std::string_view native_model, Arena& arena) {
  if (!probe.has_model || probe.model == native_model) return {};
  return {probe.model_at, probe.model_bytes, encode_json_string(native_model, arena)};
}

Edit usage_edit(const RequestProbe& probe) {
  if (probe.include_usage) return {};
  if (probe.include_usage_bytes != 0)
    return {probe.include_usage_at, probe.include_usage_bytes, "true"};
  if (probe.has_stream_options)
    return {probe.stream_options_at + 1, 0,
            probe.stream_options_empty ? R"("include_usage":true)" : R"("include_usage":true,)"};
  if (probe.stream_options_bytes != 0)
    return {probe.stream_options_at, probe.stream_options_bytes, R"({"include_usage":true})"};
  return {probe.object_end, 0,
          probe.object_empty ? R"("stream_options":{"include_usage":true})"
                             : R"(,"stream_options":{"include_usage":true})"};
}

void append(SplicedBody& out, std::string_view piece) {
  if (piece.empty()) return;
  SL_ASSERT(out.count < out.pieces.size());
  out.pieces[out.count++] = piece;
  out.bytes += piece.size();
}

}  // namespace

SplicedBody splice_request(std::string_view body, const RequestProbe& probe,
                           std::string_view native_model, bool add_include_usage, Arena& arena) {
  Edit first = model_edit(probe, native_model, arena);
  Edit second = add_include_usage ? usage_edit(probe) : Edit{};
  if (second.at < first.at) std::swap(first, second);
  SplicedBody out;
  std::size_t at = 0;
  for (const Edit& edit : {first, second}) {
    if (edit.text.empty()) continue;
    append(out, body.substr(at, edit.at - at));
    append(out, edit.text);
    at = edit.at + edit.bytes;
  }
  append(out, body.substr(at));
  return out;
}

}  // namespace sluice
