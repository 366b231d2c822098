#include "engine/proxy/admin_door.h"

#include <algorithm>
#include <memory>

namespace sluice {

struct AdminDoor::HandedOver final : Letter {
  HandedOver(AdminDoor& door, int fd, std::string bytes, std::string relayed_for)
      : Letter(&HandedOver::read),
        door(&door),
        fd(fd),
        bytes(std::move(bytes)),
        relayed_for(std::move(relayed_for)) {}
  static void read(Shard&, Letter& letter) {
    const std::unique_ptr<HandedOver> self(&static_cast<HandedOver&>(letter));
    self->door->take(self->fd, std::move(self->bytes), std::move(self->relayed_for));
  }
  AdminDoor* door;
  int fd;
  std::string bytes;
  std::string relayed_for;
};

void AdminDoor::hand_over(Shard& from, int fd, std::string bytes, std::string relayed_for) {
  // The receiver deletes it.
  from.post(
      home_,
      *std::make_unique<HandedOver>(*this, fd, std::move(bytes), std::move(relayed_for)).release());
}

bool is_admin_path(std::string_view path) noexcept {
  // Whole first segments: all below them is the administrator's, known or not.
  constexpr std::string_view kFolders[] = {"/api", "/dashboard", "/stats", "/status", "/metrics"};
  const auto is_below = [path](std::string_view folder) {
    return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
  };
  return path == "/health/ready" || std::ranges::any_of(kFolders, is_below);
}

}  // namespace sluice
