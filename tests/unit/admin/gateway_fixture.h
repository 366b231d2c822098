#pragma once

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "admin/control_room.h"
#include "admin/stored_entries.h"
#include "tests/unit/admin/admin_fixture.h"
#include "tests/unit/admin/bare_gateway.h"

namespace sluice::test {

// DeskGateway - a gateway of which there is only the configuration, the store and the directory:
// what is changed is done by a desk, and in force when change() returns.
//
// Affinity  the test's thread.
class DeskGateway final : public BareGateway {
 public:
  DeskGateway(Writer& writer, KeyRing& keys, Config& config)
      : writer_(&writer), keys_(&keys), config_(&config) {
    publish();
  }

  std::shared_ptr<const Directory> directory() override { return directory_; }
  std::shared_ptr<const Config> config() override {
    return std::shared_ptr<const Config>(std::shared_ptr<void>(), config_);
  }
  StoreEnvironment* store() override { return &writer_->environment(); }
  AdminAnswer change(const AdminCall& call) override {
    AdminDesk desk(*writer_, *keys_, *config_, clock_.unix_ms());
    AdminAnswer answer = desk.answer(call);
    if (answer.changed) publish();
    return answer;
  }
  Clock& clock() override { return clock_; }
  void wait(Duration time) { clock_.advance(time); }
  Instant started_at() override { return Instant(1s); }

 private:
  void publish() {
    const auto entries = load_stored_entries(writer_->environment(), keys_->vault);
    ASSERT_TRUE(entries);
    auto next = draft_directory(*config_, &*entries);
    ASSERT_TRUE(next);
    finish_directory(**next, directory_.get(), clock_.now());
    directory_ = std::move(*next);
  }

  Writer* writer_;
  KeyRing* keys_;
  Config* config_;
  ManualClock clock_;
  std::shared_ptr<const Directory> directory_;
};

// RoutesTest - the routes over an AdminDeskTest's store.
class RoutesTest : public AdminDeskTest {
 protected:
  struct Answer {
    int status = 0;
    nlohmann::json body;
  };

  Answer ask(std::string_view method, std::string_view target, const nlohmann::json& body = {}) {
    const std::size_t mark = target.find('?');
    const AdminMatch match = find_route(admin_routes(), method, target.substr(0, mark));
    if (match.route == nullptr) return {match.allow.empty() ? 404 : 405, {}};
    AdminRequest request;
    request.params = match.params;
    if (mark != target.npos) {
      EXPECT_TRUE(parse_query(target.substr(mark + 1), request.query)) << target;
    }
    if (!body.is_null()) request.body = Secret(body.dump());
    const AdminResponse response = answer_route(room_, *match.route, request);
    const std::string_view text =
        response.secret_body.empty() ? response.body : response.secret_body.reveal();
    return {response.status, nlohmann::json::parse(text, nullptr, false)};
  }

  DeskGateway gateway_{*writer_, *keys_, config_};
  ControlRoom room_{gateway_, AccessRules{}};
};

}  // namespace sluice::test
