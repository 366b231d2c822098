// GET /v1/models, /v1/models/{id}, and the echo of what arrived.
#include <algorithm>

#include "base/utf8.h"
#include "tls/digest.h"
#include "tools/mock/answer_parts.h"
#include "tools/mock/text.h"

namespace sluice {
namespace {

OrderedJson model_object(const std::string& id) {
  constexpr std::int64_t kCreated = 1'700'000'000;
  return {{"id", id}, {"object", "model"}, {"created", kCreated}, {"owned_by", "mock"}};
}

const char* framing_text(BodyFraming framing) {
  switch (framing) {
    case BodyFraming::kNone: return "none";
    case BodyFraming::kLength: return "length";
    case BodyFraming::kChunked: return "chunked";
    case BodyFraming::kUntilClose: return "close";
  }
  return "";
}

std::string hex(std::string_view bytes) {
  std::string out(bytes.size() * 2, '\0');
  write_hex(bytes, out.data());
  return out;
}

}  // namespace

void answer_models(const AnswerContext& context, MockAnswer& answer) {
  OrderedJson data = OrderedJson::array();
  for (const std::string& id : context.script.models) data.push_back(model_object(id));
  answer.body = json_text({{"object", "list"}, {"data", std::move(data)}});
}

void answer_model(const AnswerContext& context, MockAnswer& answer) {
  constexpr std::string_view kModels = "/models/";
  const std::string& path = context.request.path;
  const std::string id = percent_decoded(path.substr(path.find(kModels) + kModels.size()));
  const std::vector<std::string>& models = context.script.models;
  if (std::find(models.begin(), models.end(), id) != models.end()) {
    answer.body = json_text(model_object(id));
    return;
  }
  HeadBehaviour head;
  head.status = answer.status = 404;
  head.message = "The model '" + id + "' does not exist";
  answer.body = error_body(context.request.endpoint, head);
}

void answer_echo(const AnswerContext& context, MockAnswer& answer) {
  constexpr std::size_t kBodyTextMax = 64 * 1024;
  const MockRequest& request = context.request;
  OrderedJson headers = OrderedJson::array();
  for (const MockField& field : request.fields) headers.push_back({field.name, field.value});
  const bool is_text = request.body.size() <= kBodyTextMax &&
                       find_invalid_utf8(request.body) == std::string_view::npos;
  answer.body = json_text({
      {"method", request.method},
      {"target", request.target},
      {"version", request.minor_version == 0 ? "1.0" : "1.1"},
      {"head", request.head},
      {"head_base64", base64(request.head)},
      {"headers", std::move(headers)},
      {"framing", framing_text(request.framing)},
      {"body_bytes", request.body.size()},
      {"body_sha256", hex(text_of(sha256(request.body)))},
      {"body", is_text ? OrderedJson(request.body) : OrderedJson(nullptr)},
      {"connection", request.connection},
      {"request", request.id},
      {"key", request.key},
  });
}

}  // namespace sluice
