#pragma once

#include <string>
#include <utility>

#include "admin/operations.h"
#include "tests/unit/store/store_fixture.h"

namespace sluice::test {

inline constexpr std::int64_t kNowMs = 1'768'478'400'000;  // 2026-01-15T12:00:00Z

// EmptyEnvironment - no variables.
class EmptyEnvironment final : public Environment {
 public:
  std::optional<std::string_view> find(std::string_view) const override { return std::nullopt; }
  std::vector<std::string> names(std::string_view) const override { return {}; }
};

// AdminDeskTest - a desk over an empty store, with a master key that was made there, and a
// configuration file's account "configured".
class AdminDeskTest : public StoreTest {
 protected:
  AdminDeskTest() {
    config_.store.directory = directory_.path();
    AccountConfig account;
    account.name = "configured";
    account.base_url = "https://configured.example/v1";
    config_.accounts.push_back(std::move(account));
    ClientConfig client;
    client.name = "configured-client";
    config_.clients.push_back(std::move(client));
    auto keys = open_key_ring(config_.store, EmptyEnvironment(), *writer_, kNowMs);
    EXPECT_TRUE(keys);
    keys_.emplace(std::move(*keys));
  }

  AdminAnswer ask(std::string command, nlohmann::json args = nlohmann::json::object(),
                  Secret secret = {}) {
    AdminDesk desk(*writer_, *keys_, config_, kNowMs);
    AdminCall call{std::move(command), std::move(args), std::move(secret)};
    return desk.answer(call);
  }
  AdminAnswer add_provider(std::string name, nlohmann::json more = nlohmann::json::object()) {
    nlohmann::json fields = {{"name", std::move(name)}, {"base_url", "https://a.example/v1"}};
    fields.update(more);
    return ask("providers.add", {{"fields", fields}}, Secret("sk-test-key"));
  }

  Config config_;
  std::optional<KeyRing> keys_;
};

}  // namespace sluice::test
