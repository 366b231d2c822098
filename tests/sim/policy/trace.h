#pragma once

#include <cstdio>
#include <string>

#include "tests/sim/policy/text.h"

namespace sluice::test {

// Trace - prints what happens, for the replay of one seed, and passes it on.
class Trace final : public Observer {
 public:
  explicit Trace(Observer& next) : next_(next) {}

  void on_publish(const std::shared_ptr<const Directory>& directory, Instant now) override {
    std::string accounts;
    for (const auto& account : directory->accounts) {
      accounts += ' ' + account->name + '=' + std::to_string(account->rpm_limit) + '/' +
                  seconds_text(account->window) +
                  (account->bucket == BucketShape::kSteady ? " steady" : "") +
                  (account->pool == Pool::kFallback ? " fallback" : "") +
                  (account->emergency ? " emergency" : "") + (account->enabled ? "" : " off");
    }
    line(now, "publish" + accounts);
    next_.on_publish(directory, now);
  }
  void on_arrival(const SimRequest& request, Instant now) override {
    line(now, name(request) + " arrives at shard " + std::to_string(request.shard) + ", " +
                  std::string(priority_text(request.priority())));
    next_.on_arrival(request, now);
  }
  void on_try(const SimRequest& request, bool granted, Instant now) override {
    line(now, name(request) + " tries " + request.account->name + (granted ? ", granted" : "") +
                  ", rung " + std::to_string(static_cast<int>(request.choice.rung)));
    next_.on_try(request, granted, now);
  }
  void on_settle(const SimRequest& request, bool sent, Instant now) override {
    line(now, name(request) + (sent ? " is sent" : " refunds"));
    next_.on_settle(request, sent, now);
  }
  void on_provider(const Provider& provider, Instant taken_at, const Reply& reply,
                   Instant now) override {
    line(now, "provider of " + provider.model().account + " counts, reply " +
                  std::to_string(static_cast<int>(reply.kind)));
    next_.on_provider(provider, taken_at, reply, now);
  }
  void on_report_begin(const SimRequest& request, TryOutcome outcome, Instant now) override {
    next_.on_report_begin(request, outcome, now);
  }
  void on_report(const SimRequest& request, TryOutcome outcome, Instant now) override {
    line(now, name(request) + " reports outcome " + std::to_string(static_cast<int>(outcome)) +
                  " of " + request.account->name + ", cooldown until " +
                  time_text(request.account->state->cooldown().until()));
    next_.on_report(request, outcome, now);
  }
  void on_wait(const SimRequest& request, Instant now) override {
    line(now, name(request) + " waits");
    next_.on_wait(request, now);
  }
  void on_wait_over(const SimRequest& request, Instant now) override {
    line(now, name(request) + " has waited");
    next_.on_wait_over(request, now);
  }
  void on_enter(const SimRequest& request, Instant now) override {
    line(now, name(request) + " enters the queue for pool " +
                  std::to_string(static_cast<int>(request.ticket->pool)));
    next_.on_enter(request, now);
  }
  void on_leave(const SimRequest& request, Instant now) override {
    line(now, name(request) + " is called back");
    next_.on_leave(request, now);
  }
  void on_queue_end(const SimRequest& request, Instant now) override {
    const Permit& permit = request.ticket->choice.permit;
    line(now, name(request) + " ends in the queue, " +
                  std::to_string(static_cast<int>(request.ticket->end)) +
                  (permit.held() ? " with " + permit.account()->name : ""));
    next_.on_queue_end(request, now);
  }
  void on_end(const SimRequest& request, SimEnding ending, Instant now) override {
    line(now, name(request) + " ends, " + std::to_string(static_cast<int>(ending)));
    next_.on_end(request, ending, now);
  }

 private:
  static std::string name(const SimRequest& request) { return "#" + std::to_string(request.id); }
  static void line(Instant now, const std::string& text) {
    std::printf("%14s %s\n", time_text(now).c_str(), text.c_str());
  }
  Observer& next_;
};

}  // namespace sluice::test
