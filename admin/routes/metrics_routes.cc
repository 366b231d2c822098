// What Prometheus asks for.
#include "admin/control_room.h"
#include "admin/process_figures.h"
#include "admin/routes/routes.h"

namespace sluice {
namespace {

AdminResponse get_metrics(ControlRoom& room, const AdminRequest& request) {
  Gateway& gateway = room.gateway();
  const std::vector<ShardFigures> shards = gateway.shards();
  const std::shared_ptr<const Directory> directory = gateway.directory();
  MetricsView view{.shards = shards, .directory = directory.get()};
  for (std::size_t i = 0; i < view.queue_depth.size(); ++i)
    view.queue_depth[i] = gateway.dispatcher().queue().depth(static_cast<Priority>(i));
  view.store = gateway.store_numbers();
  view.process = read_process_figures();
  view.now = gateway.clock().now();
  view.uptime = view.now - gateway.started_at();
  view.version = SLUICE_VERSION;
  const MetricsFormat format = choose_metrics_format(request.field("accept"));
  AdminResponse response;
  response.content_type = metrics_content_type(format);
  write_metrics(view, format, response.body);
  return response;
}

constexpr AdminRoute kRoutes[] = {
    {.method = "GET",
     .path = "/metrics",
     .access = Access::kRead,
     .handler = get_metrics,
     .query = Query::kIgnored,
     .for_metrics = true},
};

}  // namespace

std::span<const AdminRoute> metrics_routes() { return kRoutes; }

}  // namespace sluice
