import Retry
import Testing
import TestSupport

@testable import meantime

@Suite struct DemoDirectoryTests {
    @Test("a demo replaces what an earlier demo wrote")
    func demosReplaceDemos() throws {
        try withTemporaryDirectory { path in
            let plan = FaultPlan(seed: 7, durationUs: 0)
            let first = try DemoDirectory(path: path)
            try first.writeConfiguration(plan: plan, ports: [[1, 2], [3, 4], [5, 6, 7]], listen: 8, admin: 9)
            _ = try DemoDirectory(path: path)
            #expect(try TextFile.readIfPresent(first.configuration) == nil)
        }
    }

    @Test(
        "a directory with somebody's configuration, rules or store is left alone",
        arguments: ["meantime.yaml", "rules.yaml", "meantime.db"])
    func strangersFilesStay(name: String) throws {
        try withTemporaryDirectory { path in
            try DemoDirectory.write("routes: {}\n", to: "\(path)/\(name)")
            #expect(throws: FileError.self) { try DemoDirectory(path: path) }
            #expect(try TextFile.readIfPresent("\(path)/\(name)") == "routes: {}\n")
        }
    }

    @Test("the configuration that a demo writes is one that the proxy reads")
    func configurationIsValid() throws {
        try withTemporaryDirectory { path in
            let plan = FaultPlan(seed: 7, durationUs: 0)
            let directory = try DemoDirectory(path: path)
            try directory.writeConfiguration(
                plan: plan, ports: [[1001, 1002], [1003, 1004], [1005, 1006, 1007]], listen: 8080, admin: 9090)
            let configuration = try ConfigurationFile.load(directory.configuration)
            #expect(configuration.routes.map(\.name) == plan.routes.map(\.trouble.name))
            #expect(configuration.routes[2].hosts == ["127.0.0.1:1005", "127.0.0.1:1006", "127.0.0.1:1007"])
            for (route, faults) in zip(configuration.routes, plan.routes) {
                #expect(route.isIdempotent(method: faults.trouble.method))
                #expect(route.match.matches(host: "x", path: "/\(faults.trouble.name)", method: faults.trouble.method))
            }
            #expect(configuration.listen == "127.0.0.1:8080" && configuration.admin == "127.0.0.1:9090")
        }
    }
}
