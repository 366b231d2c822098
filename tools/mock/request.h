#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parser/http1_request.h"
#include "tools/mock/behaviour.h"

namespace sluice {

enum class MockEndpoint : std::uint8_t {
  kChat,
  kCompletions,
  kEmbeddings,
  kResponses,
  kMessages,
  kModels,  // the list
  kModel,   // one of it
  kControl,
  kEcho,
};

// Which endpoint a path means: by its end, so that any base path works.
[[nodiscard]] MockEndpoint endpoint_of(std::string_view path);
// The endpoints that take a JSON body by POST.
[[nodiscard]] bool takes_json(MockEndpoint endpoint);

// What the mock reads out of a JSON body.
struct BodyFacts {
  bool is_object = false;
  std::string model;
  bool stream = false;
  bool include_usage = false;
  std::optional<std::uint64_t> tokens_max;
  std::uint64_t prompt_bytes = 0;  // of all prompt texts
  std::uint64_t inputs = 1;        // embeddings: how many
  std::uint64_t choices = 1;       // "n", at most 16
  std::optional<std::uint32_t> dimensions;
  bool base64_embeddings = false;
};
[[nodiscard]] BodyFacts read_body_facts(std::string_view body);

// MockRequest - one request as it arrived.
struct MockRequest {
  std::uint64_t id = 0;  // in the ledger
  std::uint64_t connection = 0;
  std::string head;  // raw
  std::string method, target, path, query;
  std::vector<MockField> fields;
  int minor_version = 1;
  BodyFraming framing = BodyFraming::kNone;
  std::uint64_t content_length = 0;
  bool close = false;
  bool expect_continue = false;
  MockEndpoint endpoint = MockEndpoint::kEcho;
  std::string key;
  std::string fault;  // the x-mock-fault fields, joined
  std::string body;
  bool body_malformed = false;  // broken chunks: noted, not answered
  BodyFacts facts;

  [[nodiscard]] bool is_head() const { return method == "HEAD"; }
  // The value of the first field of that name (lower case); null without one.
  [[nodiscard]] const std::string* field(std::string_view name) const;
  // The model without the directives behind '!', and those directives.
  [[nodiscard]] std::string_view model_name() const;
  [[nodiscard]] std::string_view model_directives() const;
};

// Everything but ids, body and facts.
[[nodiscard]] MockRequest request_from_head(const RequestHead& head, std::string_view bytes);

}  // namespace sluice
