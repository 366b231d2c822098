#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>
#include <cstring>

#include "admin/operations.h"
#include "engine/config/scalar.h"
#include "store/catalog.h"
#include "store/vault/token.h"

namespace sluice {
namespace {

AdminAnswer refused(std::string text) { return {.exit_code = EX_DATAERR, .text = text + "\n"}; }

// A limit of a client key: a whole number, 0 for none. Empty: it was none of that.
bool read_limit(const nlohmann::json& args, const char* name, std::uint32_t max,
                std::uint32_t& value, std::string& fault) {
  if (!args.contains(name)) return true;
  const nlohmann::json& given = args[name];
  if (given.is_number_unsigned() && given.get<std::uint64_t>() <= max) {
    value = given.get<std::uint32_t>();
    return true;
  }
  fault = fmt::format("{}: {} is wrong; expected a whole number from 0 (no limit) to {}", name,
                      given.dump(), max);
  return false;
}

}  // namespace

AdminAnswer AdminDesk::create_client(const AdminCall& call) {
  StoredClientKey key;
  key.name = call.args.value("name", "");
  if (const std::string_view problem = kNameRule.check(key.name); !problem.empty())
    return refused(
        fmt::format("name: \"{}\" {}; expected {}", key.name, problem, kNameRule.expected));
  std::string fault;
  if (!read_limit(call.args, "rpm_limit", 1'000'000, key.rpm_limit, fault) ||
      !read_limit(call.args, "tpm_limit", 1'000'000'000, key.tpm_limit, fault) ||
      !read_limit(call.args, "concurrent_limit", 1'000'000, key.concurrent_limit, fault))
    return refused(fault);
  key.models = call.args.value("models", std::vector<std::string>());
  const std::string priority = call.args.value("priority", "normal");
  const auto rank = priority_of(priority);
  if (!rank)
    return refused(
        fmt::format("priority: \"{}\" is none; expected urgent, high, normal or low", priority));
  key.priority = static_cast<StoredPriority>(*rank);
  const auto taken = get_client_key(writer_.environment(), key.name);
  if (!taken) return failed(taken.error());
  const bool configured = std::ranges::any_of(
      config_.clients, [&](const ClientConfig& client) { return client.name == key.name; });
  if (*taken || configured) {
    return refused(fmt::format("there is a client key named \"{}\"{}; take another name", key.name,
                               configured                  ? " in the configuration file"
                               : (*taken)->revoked_ms != 0 ? ", which is revoked"
                                                           : ""));
  }
  AdminAnswer answer{.secret = generate_token(), .changed = true};
  const Sha256Digest digest = sha256(answer.secret.reveal());
  std::memcpy(key.sha256.data(), digest.data(), digest.size());
  key.created_ms = now_unix_ms_;
  if (const auto put = put_client_key(writer_, key); !put) return failed(put.error());
  answer.text = fmt::format("client key \"{}\" made; it is shown this once\n", key.name);
  return answer;
}

AdminAnswer AdminDesk::revoke_client(const AdminCall& call) {
  const std::string name = call.args.value("name", "");
  const auto found = get_client_key(writer_.environment(), name);
  if (!found) return failed(found.error());
  if (!*found)
    return refused(
        fmt::format("there is no client key \"{}\" in the store; those of the "
                    "configuration file are removed there",
                    name));
  StoredClientKey key = **found;
  if (key.revoked_ms != 0) return refused(fmt::format("\"{}\" was revoked before", name));
  key.revoked_ms = now_unix_ms_;
  if (const auto put = put_client_key(writer_, key); !put) return failed(put.error());
  return {.text = fmt::format("client key \"{}\" revoked\n", name), .changed = true};
}

}  // namespace sluice
