#include "tools/mock/request.h"

#include <algorithm>

#include "tools/mock/text.h"

namespace sluice {
namespace {

std::string key_of(const MockRequest& request) {
  constexpr std::string_view kBearer = "bearer ";
  if (const std::string* const value = request.field("authorization")) {
    if (lower_case(value->substr(0, kBearer.size())) == kBearer) {
      return std::string(trimmed(std::string_view(*value).substr(kBearer.size())));
    }
    return *value;
  }
  for (const std::string_view name : {"x-api-key", "api-key"}) {
    if (const std::string* const value = request.field(name)) return *value;
  }
  return {};
}

}  // namespace

MockEndpoint endpoint_of(std::string_view path) {
  struct Ending {
    std::string_view text;
    MockEndpoint endpoint;
  };
  // "/chat/completions" before "/completions".
  constexpr Ending kEndings[] = {
      {"/chat/completions", MockEndpoint::kChat}, {"/completions", MockEndpoint::kCompletions},
      {"/embeddings", MockEndpoint::kEmbeddings}, {"/responses", MockEndpoint::kResponses},
      {"/messages", MockEndpoint::kMessages},     {"/models", MockEndpoint::kModels},
  };
  if (path.starts_with("/mock/")) return MockEndpoint::kControl;
  if (path.starts_with("/v1/echo")) return MockEndpoint::kEcho;
  for (const Ending& ending : kEndings) {
    if (path.ends_with(ending.text)) return ending.endpoint;
  }
  return path.find("/models/") != path.npos ? MockEndpoint::kModel : MockEndpoint::kEcho;
}

bool takes_json(MockEndpoint endpoint) {
  switch (endpoint) {
    case MockEndpoint::kChat:
    case MockEndpoint::kCompletions:
    case MockEndpoint::kEmbeddings:
    case MockEndpoint::kResponses:
    case MockEndpoint::kMessages: return true;
    case MockEndpoint::kModels:
    case MockEndpoint::kModel:
    case MockEndpoint::kControl:
    case MockEndpoint::kEcho: return false;
  }
  return false;
}

const std::string* MockRequest::field(std::string_view name) const {
  for (const MockField& field : fields) {
    if (equals_ignoring_case(field.name, name)) return &field.value;
  }
  return nullptr;
}

std::string_view MockRequest::model_name() const {
  const std::string_view model = facts.model;
  return model.substr(0, model.find('!'));
}

std::string_view MockRequest::model_directives() const {
  const std::string_view model = facts.model;
  const std::size_t mark = model.find('!');
  return mark == model.npos ? std::string_view() : model.substr(mark + 1);
}

MockRequest request_from_head(const RequestHead& head, std::string_view bytes) {
  MockRequest request;
  request.head = bytes.substr(0, head.bytes);
  request.method = head.method_text;
  request.target = head.target;
  request.path = head.path;
  request.query = head.query;
  request.minor_version = head.minor_version;
  request.framing = head.framing;
  request.close = head.close;
  request.expect_continue = head.expect_continue;
  for (const Field& field : head.fields) {
    request.fields.push_back({std::string(field.name), std::string(field.value)});
    if (!equals_ignoring_case(field.name, "x-mock-fault")) continue;
    if (!request.fault.empty()) request.fault += ';';
    request.fault += field.value;
  }
  request.endpoint = endpoint_of(request.path);
  request.key = key_of(request);
  return request;
}

}  // namespace sluice
