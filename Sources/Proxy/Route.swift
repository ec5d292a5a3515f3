import Retry
import Synchronization

/// One host of one or more routes, with the connections that all event loops have to it.
final class UpstreamHost: Sendable {
    /// As configured and logged: `address:port`.
    let name: String
    /// The host's place among all hosts of the proxy.
    let index: Int
    let endpoint: Endpoint
    /// Connections that are open, idle ones included.
    let openConnections = Counter()
    /// Connections that wait for a request.
    let idleConnections = Counter()
    /// Connections established since the start.
    let connects = Counter()

    init(name: String, index: Int, endpoint: Endpoint) {
        self.name = name
        self.index = index
        self.endpoint = endpoint
    }
}

/// One route at run time: its configuration, its hosts and its counters, shared by all event loops.
final class Route: Sendable {
    let configuration: RouteConfiguration
    /// The route's place in the configuration.
    let index: Int
    let hosts: [UpstreamHost]
    let metrics = RouteMetrics()
    private let turn = Atomic<Int>(0)

    init(configuration: RouteConfiguration, index: Int, hosts: [UpstreamHost]) {
        self.configuration = configuration
        self.index = index
        self.hosts = hosts
    }

    var name: String { configuration.name }

    /// The place of the host for an attempt. First attempts go round robin over all requests of the route: not by load,
    /// since a host that fails at once would look idle and draw the traffic. Retries draw a host by `unit`, uniform in
    /// [0, 1): taking the next in turn would tie them, and the first attempts after them, to the turn of the host that
    /// failed. `other` draws from what the request has not tried, while there is any, and then from all but the host of
    /// the attempt before.
    func pick(_ choice: HostChoice, tried: [Int], unit: () -> Double) -> Int {
        if tried.isEmpty { return (turn.wrappingAdd(1, ordering: .relaxed).oldValue & Int.max) % hosts.count }
        var places = Array(hosts.indices)
        if choice == .other && hosts.count > 1 {
            let untried = places.filter { !tried.contains($0) }
            places = untried.isEmpty ? places.filter { $0 != tried.last } : untried
        }
        return places[min(Int(unit() * Double(places.count)), places.count - 1)]
    }
}

/// All routes in the order of the file.
struct RouteTable: Sendable {
    let routes: [Route]
    let hosts: [UpstreamHost]

    /// - Throws: `ProxyError` when a route has no host or a host is not `address:port`.
    init(_ configurations: [RouteConfiguration]) throws(ProxyError) {
        var hosts: [UpstreamHost] = []
        var routes: [Route] = []
        for configuration in configurations {
            guard !configuration.hosts.isEmpty else {
                throw ProxyError(
                    .noHosts,
                    "route '\(configuration.name)' has no hosts to send requests to; add hosts: [address:port]"
                )
            }
            var own: [UpstreamHost] = []
            for name in configuration.hosts {
                if let known = hosts.first(where: { $0.name == name }) {
                    own.append(known)
                    continue
                }
                guard let endpoint = Endpoint(name), endpoint.port > 0 else {
                    throw ProxyError(
                        .badAddress,
                        "route '\(configuration.name)': host '\(name)' must be address:port with a port from 1 to 65535"
                    )
                }
                let host = UpstreamHost(name: name, index: hosts.count, endpoint: endpoint)
                hosts.append(host)
                own.append(host)
            }
            routes.append(Route(configuration: configuration, index: routes.count, hosts: own))
        }
        self.routes = routes
        self.hosts = hosts
    }

    /// The first route of the file that the request belongs to.
    func route(host: String, path: String, method: String) -> Route? {
        routes.first { $0.configuration.match.matches(host: host, path: path, method: method) }
    }
}
