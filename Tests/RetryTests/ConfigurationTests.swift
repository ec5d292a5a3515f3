import Retry
import TestSupport
import Testing

@Suite struct ConfigurationTests {
    @Test(arguments: [
        ("/", "/", true), ("/", "/anything", true), ("/", "", false), ("/pay", "/pay", true), ("/pay", "/pay/", true),
        ("/pay", "/pay/x/y", true), ("/pay", "/payments", false), ("/pay", "/pa", false), ("/pay", "/PAY", false),
        ("/pay", "/x/pay", false), ("/pay", "/pay?amount=1", true), ("/pay", "/payments?x=/pay", false),
        ("/pay/", "/pay/", true), ("/pay/", "/pay/x", true), ("/pay/", "/pay", false), ("/pay/", "/payments/", false),
        ("/pay", "/pay%2Fx", false), ("/é", "/é/x", true), ("/pay", "", false), ("/pay", "*", false),
    ])
    func `a prefix matches whole segments`(prefix: String, path: String, isMatch: Bool) {
        #expect(RouteMatch(pathPrefix: prefix).matches(host: "h", path: path, method: "GET") == isMatch)
    }

    @Test func `hosts are compared without regard to case, methods exactly`() {
        let match = RouteMatch(host: "checkout.local", methods: ["POST", "PUT"])
        #expect(match.matches(host: "checkout.local", path: "/", method: "POST"))
        #expect(match.matches(host: "Checkout.LOCAL", path: "/x", method: "PUT"))
        #expect(!match.matches(host: "checkout.local.", path: "/", method: "POST"))
        #expect(!match.matches(host: "", path: "/", method: "POST"))
        #expect(!match.matches(host: "checkout.local", path: "/", method: "GET"))
        #expect(!match.matches(host: "checkout.local", path: "/", method: "post"))
        #expect(RouteMatch().matches(host: "", path: "/", method: "PATCH"))
    }

    @Test func `methods decide what is idempotent unless the route says so`() {
        let idempotent = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"]
        for method in idempotent + ["POST", "PATCH", "CONNECT", "get", ""] {
            #expect(RouteConfiguration(name: "a").isIdempotent(method: method) == idempotent.contains(method))
            #expect(RouteConfiguration(name: "a", idempotent: true).isIdempotent(method: method))
            #expect(!RouteConfiguration(name: "a", idempotent: false).isIdempotent(method: method))
        }
    }

    @Test func `cost is latency up to the deadline, plus failure, plus attempts; a late answer is a failure`() {
        let objective = Objective(deadlineUs: 1000, failureCostUs: 70_000, attemptCostUs: 300)
        #expect(objective.costUs(latencyUs: 400, failed: false, attempts: 1) == 400)
        #expect(objective.costUs(latencyUs: 1000, failed: false, attempts: 1) == 1000)
        #expect(objective.costUs(latencyUs: 1001, failed: false, attempts: 1) == 1000 + 70_000)
        #expect(objective.costUs(latencyUs: 5000, failed: true, attempts: 1) == 1000 + 70_000)
        #expect(objective.costUs(latencyUs: 400, failed: true, attempts: 3) == 400 + 70_000 + 600)
        #expect(objective.costUs(latencyUs: 0, failed: false, attempts: 0) == 0)
    }

    @Test func `a named route has its objective and any other the default`() {
        let own = Objective(deadlineUs: 1)
        let configuration = Configuration(
            objective: Objective(deadlineUs: 2), routes: [RouteConfiguration(name: "a", objective: own)])
        #expect(configuration.objective(for: "a") == own)
        #expect(configuration.objective(for: "b").deadlineUs == 2)
        #expect(configuration.route(named: "a")?.objective == own)
        #expect(configuration.route(named: "b") == nil)
    }
}
