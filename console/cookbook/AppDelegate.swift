import UIKit
import UserNotifications

/// In SwiftUI: `@UIApplicationDelegateAdaptor(AppDelegate.self) var delegate`.
final class AppDelegate: NSObject, UIApplicationDelegate, UNUserNotificationCenterDelegate {
    func application(
        _ application: UIApplication,
        didFinishLaunchingWithOptions options: [UIApplication.LaunchOptionsKey: Any]? = nil
    ) -> Bool {
        UNUserNotificationCenter.current().delegate = self
        application.registerForRemoteNotifications()  // the token needs no permission; showing needs it
        return true
    }

    /// Ask when the person understands what for, not at the first start.
    func askForPermission() async {
        let center = UNUserNotificationCenter.current()
        _ = try? await center.requestAuthorization(options: [.alert, .badge, .sound])
        await UIApplication.shared.registerForRemoteNotifications()
    }

    func application(_ application: UIApplication, didRegisterForRemoteNotificationsWithDeviceToken token: Data) {
        Task {
            let settings = await UNUserNotificationCenter.current().notificationSettings()
            try? await Tocsin.register(token: token, permission: settings.authorizationStatus)
        }
    }

    // A push while the app is in front.
    func userNotificationCenter(
        _ center: UNUserNotificationCenter, willPresent notification: UNNotification
    ) async -> UNNotificationPresentationOptions {
        await Tocsin.report(notification.request.content.userInfo, "displayed")
        return [.banner, .list, .sound, .badge]
    }

    // A tap, a button, or a swipe away.
    func userNotificationCenter(_ center: UNUserNotificationCenter, didReceive response: UNNotificationResponse) async {
        let push = response.notification.request.content.userInfo
        if response.actionIdentifier == UNNotificationDismissActionIdentifier {
            await Tocsin.report(push, "dismissed")
            return
        }
        await Tocsin.report(push, "opened")
        var link = push["link"] as? String
        if response.actionIdentifier != UNNotificationDefaultActionIdentifier {
            await Tocsin.report(push, "action", action: response.actionIdentifier)
            let buttons = push["actions"] as? [[String: Any]] ?? []
            let pressed = buttons.first { $0["id"] as? String == response.actionIdentifier }
            link = pressed?["link"] as? String ?? link
        }
        if let link, let url = URL(string: link) { await UIApplication.shared.open(url) }
    }

    // A silent push.
    func application(
        _ application: UIApplication, didReceiveRemoteNotification push: [AnyHashable: Any]
    ) async -> UIBackgroundFetchResult {
        await Tocsin.report(push, "delivered")
        return .newData
    }
}
