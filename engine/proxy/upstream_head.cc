#include "engine/proxy/upstream_head.h"

#include "engine/llm/dialect.h"
#include "engine/proxy/head_text.h"
#include "engine/proxy/request_id.h"
#include "parser/url.h"

namespace sluice {
namespace {

// Room for the fields that the gateway adds: id, key's name, length, Via, encoding.
constexpr std::size_t kOwnFieldBytes = 512;

// Fields that are not passed on: hop-by-hop (F9), the client's own secrets (F8), and those that we
// write ourselves.
bool keeps_back(const Field& field) noexcept {
  if (field.drop || is_client_private(field.id)) return true;
  switch (field.id) {
    case FieldId::kHost:
    case FieldId::kContentLength:
    case FieldId::kExpect:
    case FieldId::kXRequestId:
    case FieldId::kXSluice:
    case FieldId::kAcceptEncoding:
    case FieldId::kTraceparent: return true;
    default: return false;
  }
}

std::size_t head_bytes_max(const RequestHead& head, const Account& account) {
  std::size_t bytes = head.method_text.size() + head.target.size() +
                      account.endpoint.base_path.size() + account.endpoint.authority.size() +
                      kOwnFieldBytes;
  for (const Field& field : head.fields) bytes += field.name.size() + field.value.size() + 4;
  return bytes;
}

std::string_view target_of(Arena& arena, const RequestHead& head, const Endpoint& endpoint) {
  const std::size_t bytes_max = target_bytes_max(endpoint.base_path, head.path, head.query);
  char* const target = arena.bytes(bytes_max);
  const std::size_t bytes =
      write_target(target, endpoint.base_path, head.path, head.has_query, head.query);
  arena.give_back(target + bytes, target + bytes_max);
  return {target, bytes};
}

// The key, and the end of the head.
void add_credential(HeadText& text, const Account& account, Outbox& outbox) {
  if (!account.api_key.empty()) {
    const CredentialField credential = credential_field(account.dialect);
    text.add(credential.name).add(": ").add(credential.prefix);
    outbox.add(text.take());
    outbox.add(account.api_key.reveal());
    text.add("\r\n");
  }
  outbox.add(text.add("\r\n").take());
}

void add_client_fields(HeadText& text, const RequestHead& head, const DefaultField& version) {
  bool has_version = version.name.empty();
  for (const Field& field : head.fields) {
    if (keeps_back(field)) continue;
    text.field(field.name, field.value);
    has_version = has_version || equals_ignoring_case(field.name, version.name);
  }
  if (!has_version) text.field(version.name, version.value);
}

}  // namespace

void add_upstream_head(Exchange& exchange, const Account& account, std::uint64_t body_bytes,
                       Prng& prng, Outbox& outbox) {
  const RequestHead& head = *exchange.head;
  const std::string_view target = target_of(exchange.arena, head, account.endpoint);
  const Field* const trace = head.fields.find(FieldId::kTraceparent);
  const std::string_view next_trace =
      trace == nullptr ? std::string_view{} : next_trace_parent(exchange.arena, trace->value, prng);
  HeadText text(exchange.arena, head_bytes_max(head, account));
  text.add(head.method_text)
      .add(" ")
      .add(target)
      .add(" HTTP/1.1\r\n")
      .field("host", account.endpoint.authority);
  add_client_fields(text, head, version_field(account.dialect));
  if (trace != nullptr) text.field("traceparent", next_trace);
  text.field("x-request-id", exchange.request_id);
  // Usage can only be read from bodies that are not compressed (P6).
  text.field("accept-encoding", "identity");
  if (account.send_via) text.field("via", "1.1 sluice");
  if (head.framing != BodyFraming::kNone || body_bytes > 0) {
    text.field("content-length", static_cast<std::int64_t>(body_bytes));
  }
  add_credential(text, account, outbox);
}

void add_probe_head(Arena& arena, const Account& account, Outbox& outbox) {
  constexpr std::string_view kPath = "/v1/models";
  const Endpoint& endpoint = account.endpoint;
  const std::size_t target_max = target_bytes_max(endpoint.base_path, kPath, {});
  char* const target = arena.bytes(target_max);
  HeadText text(arena, target_max + endpoint.authority.size() + kOwnFieldBytes);
  text.add("GET ").add({target, write_target(target, endpoint.base_path, kPath, false, {})});
  text.add(" HTTP/1.1\r\n").field("host", endpoint.authority);
  text.field("accept", "application/json").field("accept-encoding", "identity");
  text.field("user-agent", kViaPseudonym);
  const DefaultField version = version_field(account.dialect);
  if (!version.name.empty()) text.field(version.name, version.value);
  if (account.send_via) text.field("via", "1.1 sluice");
  text.field("connection", "close");
  add_credential(text, account, outbox);
}

}  // namespace sluice
