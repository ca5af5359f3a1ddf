package com.example.app

import android.app.NotificationChannel
import android.app.NotificationManager
import android.app.PendingIntent
import android.content.Intent
import android.graphics.BitmapFactory
import androidx.core.app.NotificationCompat
import androidx.core.app.NotificationManagerCompat
import com.google.firebase.messaging.FirebaseMessagingService
import com.google.firebase.messaging.RemoteMessage
import java.io.IOException
import java.net.URL
import org.json.JSONArray

/**
 * Two kinds of message arrive. A *notification message* (Tocsin's default) is shown by Android itself while the app
 * is in the background: this service then hears nothing, and only the tap is reported. A *data message* (the campaign's
 * Android option "mode": "data") always comes here, the app draws it, and delivery and buttons are reported too.
 */
class PushService : FirebaseMessagingService() {
    private val tocsin by lazy { Tocsin(applicationContext) }

    override fun onCreate() {
        super.onCreate()
        // Android 8 and later shows nothing without a channel; people switch them one by one.
        val news = NotificationChannel(DEFAULT_CHANNEL, "News and offers", NotificationManager.IMPORTANCE_DEFAULT)
        getSystemService(NotificationManager::class.java).createNotificationChannel(news)
    }

    override fun onNewToken(token: String) = tocsin.register(token)

    override fun onMessageReceived(message: RemoteMessage) {
        val push = message.data
        tocsin.report(push, "delivered")
        val title = push["title"] ?: message.notification?.title
        val body = push["body"] ?: message.notification?.body
        if (title == null && body == null) return // silent: the app reads push
        show(push, title, body, push["image"] ?: message.notification?.imageUrl?.toString())
    }

    private fun show(push: Map<String, String>, title: String?, body: String?, image: String?) {
        if (!NotificationManagerCompat.from(this).areNotificationsEnabled()) return
        val made = NotificationCompat.Builder(this, push["channel_id"] ?: DEFAULT_CHANNEL)
            .setSmallIcon(R.drawable.ic_notification)
            .setContentTitle(title)
            .setContentText(body)
            .setSubText(push["subtitle"])
            .setStyle(NotificationCompat.BigTextStyle().bigText(body))
            .setAutoCancel(true)
            .setContentIntent(opening(push, null))
        picture(image)?.let { made.setLargeIcon(it).setStyle(NotificationCompat.BigPictureStyle().bigPicture(it)) }
        buttons(push).forEach { (id, label, link) ->
            made.addAction(0, label, opening(push + ("link" to (link ?: push["link"].orEmpty())), id))
        }
        val tag = push["tag"] ?: push["m"] // a repeat replaces its twin on the screen
        getSystemService(NotificationManager::class.java).notify(tag, 0, made.build())
        tocsin.report(push, "displayed")
    }

    private fun opening(push: Map<String, String>, action: String?): PendingIntent {
        val intent = Intent(this, MainActivity::class.java).addFlags(Intent.FLAG_ACTIVITY_SINGLE_TOP)
        listOf("m", "t", "link").forEach { name -> push[name]?.let { intent.putExtra(name, it) } }
        action?.let { intent.putExtra("action", it) }
        val number = (push["m"].orEmpty() + action).hashCode()
        return PendingIntent.getActivity(this, number, intent, PendingIntent.FLAG_IMMUTABLE or PendingIntent.FLAG_UPDATE_CURRENT)
    }

    private fun buttons(push: Map<String, String>): List<Triple<String, String, String?>> {
        val given = push["actions"]?.let(::JSONArray) ?: return emptyList()
        return (0 until given.length()).map(given::getJSONObject).map { button ->
            Triple(button.getString("id"), button.getString("title"), button.optString("link").ifEmpty { null })
        }
    }

    private fun picture(address: String?) = try {
        address?.let { URL(it).openStream().use(BitmapFactory::decodeStream) }
    } catch (error: IOException) {
        null // the push matters more than its picture
    }

    private companion object {
        const val DEFAULT_CHANNEL = "news"
    }
}
