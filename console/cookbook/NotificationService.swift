import UserNotifications

/// The Notification Service Extension (File > New > Target): adds the picture and the buttons, and reports the
/// push as delivered. iOS wakes it for every push that has `mutable-content`, which Tocsin sets unless a campaign's
/// iOS option `mutable_content` is false.
final class NotificationService: UNNotificationServiceExtension {
    private var finish: ((UNNotificationContent) -> Void)?
    private var content: UNMutableNotificationContent?

    override func didReceive(
        _ request: UNNotificationRequest, withContentHandler handler: @escaping (UNNotificationContent) -> Void
    ) {
        guard let content = request.content.mutableCopy() as? UNMutableNotificationContent else { return handler(request.content) }
        (finish, self.content) = (handler, content)
        Task {
            async let reported: Void = Tocsin.report(content.userInfo, "delivered")
            await addButtons(to: content)
            await addPicture(to: content)
            await reported
            done()
        }
    }

    /// Time is up: what is there is shown.
    override func serviceExtensionTimeWillExpire() { done() }

    private func done() {
        guard let finish, let content else { return }
        self.finish = nil
        finish(content)
    }

    private func addPicture(to content: UNMutableNotificationContent) async {
        guard let text = content.userInfo["image"] as? String, let url = URL(string: text),
              let (file, response) = try? await URLSession.shared.download(from: url)
        else { return }
        let name = response.suggestedFilename ?? url.lastPathComponent  // its ending tells iOS the kind of picture
        let kept = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString + "-" + name)
        guard (try? FileManager.default.moveItem(at: file, to: kept)) != nil,
              let picture = try? UNNotificationAttachment(identifier: "image", url: kept)
        else { return }
        content.attachments = [picture]
    }

    /// Buttons belong to a category; one is made for these, unless the push names one of the app's own.
    private func addButtons(to content: UNMutableNotificationContent) async {
        guard content.categoryIdentifier.isEmpty, let buttons = content.userInfo["actions"] as? [[String: Any]] else { return }
        let actions = buttons.compactMap { button -> UNNotificationAction? in
            guard let id = button["id"] as? String, let title = button["title"] as? String else { return nil }
            return UNNotificationAction(identifier: id, title: title, options: [.foreground])
        }
        let name = "tocsin:" + actions.map { $0.identifier + "=" + $0.title }.joined(separator: "|")
        let center = UNUserNotificationCenter.current()
        let made = UNNotificationCategory(identifier: name, actions: actions, intentIdentifiers: [], options: [.customDismissAction])
        center.setNotificationCategories(await center.notificationCategories().union([made]))
        content.categoryIdentifier = name
    }
}
