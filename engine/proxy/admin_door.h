#pragma once

#include <string>
#include <string_view>

#include "engine/shard.h"

namespace sluice {

// AdminDoor - where a shard hands over a client's connection whose next request is for the
// administrator (docs/DESIGN.md, The administrator's thread).
//
// Affinity  hand_over(): the thread of the shard that does; take(): the home shard's.
// Lifetime  longer than the shards that know it.
class AdminDoor {
 public:
  explicit AdminDoor(Shard& home) noexcept : home_(home) {}
  AdminDoor(const AdminDoor&) = delete;
  AdminDoor& operator=(const AdminDoor&) = delete;

  // The descriptor, of which nothing is in flight any more, and all that was read of it and not
  // answered. `relayed_for`: the address of the client for whom a shard relays one request through
  // it; "" for the client's own connection.
  void hand_over(Shard& from, int fd, std::string bytes, std::string relayed_for);

 protected:
  ~AdminDoor() = default;
  // Takes over the descriptor.
  virtual void take(int fd, std::string bytes, std::string relayed_for) = 0;

 private:
  struct HandedOver;
  Shard& home_;
};

// Whether requests for that path are the administrator's. They never reach a provider.
[[nodiscard]] bool is_admin_path(std::string_view path) noexcept;

}  // namespace sluice
