#include "engine/proxy/limit_keeper.h"

#include <utility>

namespace sluice {
namespace {

constexpr Duration kEvery = 1s;

std::string_view state_text(Retreat::State state) {
  switch (state) {
    case Retreat::State::kNormal: return "normal";
    case Retreat::State::kRetreat: return "retreat";
    case Retreat::State::kRecover: return "recover";
  }
  return "";
}

}  // namespace

void LimitKeeper::watch(std::shared_ptr<const Directory> directory) noexcept {
  directory_ = std::move(directory);
  home_.timers().start(*this, home_.now() + kEvery);
}

void LimitKeeper::on_timer() noexcept {
  bool more = false;
  for (const auto& account : directory_->accounts) {
    AccountState& state = *account->state;
    const std::uint32_t before = state.limit();
    if (!state.adapt(home_.now(), directory_->routing.retreat)) continue;
    more = more || state.limit() > before;
    LogLine(home_.log(), LogLevel::kInfo, "account uses another limit")
        .field("account", account->name)
        .field("limit", state.limit())
        .field("before", before)
        .field("configured", state.effective().configured().limit)
        .field("retreat", state_text(state.effective().state()));
  }
  if (more) dispatcher_.nudge(home_);
  home_.timers().start(*this, home_.now() + kEvery);
}

}  // namespace sluice
