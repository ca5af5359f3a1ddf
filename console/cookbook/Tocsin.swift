import Foundation
import UIKit
import UserNotifications

/// Speaks to Tocsin's REST API. Add this file to the app and to the Notification Service Extension;
/// both share what it keeps through an App Group.
enum Tocsin {
    static let api = URL(string: "{{API}}/api/v1")!
    static let key = "{{KEY}}"
    private static let kept = UserDefaults(suiteName: "group.com.example.app")!

    // MARK: The device

    /// Call it from `didRegisterForRemoteNotificationsWithDeviceToken`, at every start.
    static func register(token: Data, permission: UNAuthorizationStatus, userId: String? = nil) async throws {
        var body: [String: Any] = [
            "platform": "ios",
            "token": token.map { String(format: "%02x", $0) }.joined(),
            "environment": environment,
            "permission": word(for: permission),
            "locale": Locale.current.identifier.replacingOccurrences(of: "_", with: "-"),
            "timezone": TimeZone.current.identifier,
            "model": model,
        ]
        body["app_version"] = Bundle.main.infoDictionary?["CFBundleShortVersionString"] as? String
        body["os_version"] = await UIDevice.current.systemVersion
        body["user_id"] = userId
        let answer = try await call("POST", "devices", body)
        guard let id = answer["id"] as? String else { return }
        if let secret = answer["secret"] as? String { kept.set("\(id).\(secret)", forKey: "device") }
        kept.set(id, forKey: "device_id")
    }

    /// Who has signed in; nil after signing out.
    static func identify(_ userId: String?) async throws {
        guard let id = kept.string(forKey: "device_id") else { return }
        try await call("PATCH", "devices/\(id)", ["user_id": userId ?? NSNull()])
    }

    /// Something that the person did.
    static func event(_ name: String, properties: [String: Any] = [:]) async throws {
        let event: [String: Any] = ["id": UUID().uuidString, "name": name, "properties": properties]
        try await call("POST", "events", ["events": [event]])
    }

    // MARK: Receipts

    /// What became of a push: delivered, displayed, opened, dismissed or action. `push` is its userInfo.
    static func report(_ push: [AnyHashable: Any], _ type: String, action: String? = nil) async {
        guard let m = push["m"] as? String, let t = push["t"] as? String else { return }
        var receipt: [String: Any] = ["m": m, "t": t, "type": type, "at": ISO8601DateFormatter().string(from: Date())]
        receipt["action"] = action
        _ = try? await call("POST", "receipts", ["receipts": [receipt]])
    }

    // MARK: HTTP

    struct Refused: Error { let status: Int; let problem: [String: Any] }

    @discardableResult
    private static func call(_ method: String, _ path: String, _ body: [String: Any]) async throws -> [String: Any] {
        var request = URLRequest(url: api.appendingPathComponent(path), timeoutInterval: 20)
        request.httpMethod = method
        request.setValue("Bearer \(key)", forHTTPHeaderField: "Authorization")
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        if let device = kept.string(forKey: "device") { request.setValue(device, forHTTPHeaderField: "Tocsin-Device") }
        request.httpBody = try JSONSerialization.data(withJSONObject: body)
        let (data, response) = try await URLSession.shared.data(for: request)
        let answer = (try? JSONSerialization.jsonObject(with: data)) as? [String: Any] ?? [:]
        let status = (response as? HTTPURLResponse)?.statusCode ?? 0
        guard (200..<300).contains(status) else { throw Refused(status: status, problem: answer) }
        return answer
    }

    /// A build from Xcode talks to Apple's sandbox, TestFlight and the App Store to production.
    private static var environment: String {
        #if DEBUG
        return "sandbox"
        #else
        return "production"
        #endif
    }

    private static func word(for status: UNAuthorizationStatus) -> String {
        switch status {
        case .authorized, .ephemeral: return "granted"
        case .provisional: return "provisional"
        case .denied: return "denied"
        default: return "unknown"
        }
    }

    private static var model: String {
        var info = utsname()
        uname(&info)
        return withUnsafeBytes(of: &info.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
